package install

import (
	"context"
	"fmt"
	"path/filepath"

	"bookend.dev/bookend/cmd/bookend/internal/criconfig"
)

// Plan is what is to be done; nothing of it has been.
type Plan struct {
	// Set is the name of the set of binaries, version and digest.
	Set string
	// Place is the directory of the set; empty where it is there already.
	Place   string
	Changes []Change
	Remove  []string // directories of other sets, and what else goes
	// Notes are for people: what was found and left as it is.
	Notes []string
	// Todo is what a person has to add to containerd's configuration; empty:
	// nothing.
	Todo string
	// Restart says that containerd's configuration changes.
	Restart bool

	opts  Options
	state *state
	force bool     // shims that run do not matter
	kept  []string // digests of originals that are not restored
}

// Change is one file or link before and after; nil: there is none.
type Change struct {
	Path          string
	Before, After *Entry
}

// Empty tells whether there is nothing to be done, but perhaps by a person.
func (p *Plan) Empty() bool { return p.Place == "" && len(p.Changes) == 0 && len(p.Remove) == 0 }

// New plans an installation. It changes nothing.
func New(ctx context.Context, opts Options) (*Plan, error) {
	p := &Plan{opts: opts}
	var err error
	if p.state, err = loadState(opts.LibDir); err != nil {
		if !isNotInstalled(err) {
			return nil, err
		}
		p.state = &state{Format: stateFormat}
	}
	if err := opts.damaged(); err != nil {
		return nil, err
	}
	if p.Set, err = identify(ctx, opts.From); err != nil {
		return nil, err
	}
	if dir := p.setDir(); !complete(dir) {
		p.Place = dir
	}
	p.state.Current = p.Set
	for _, name := range linked() {
		if err := p.link(name); err != nil {
			return nil, err
		}
	}
	if !opts.BinariesOnly {
		if err := p.configure(ctx); err != nil {
			return nil, err
		}
	}
	if opts.Prune {
		if p.Remove, err = unused(opts.versionsDir(), p.Set); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *Plan) setDir() string { return filepath.Join(p.opts.versionsDir(), p.Set) }

// link plans the link to a binary. It is absolute: the directory that it is in
// may be reached through a link itself.
func (p *Plan) link(name string) error {
	path := filepath.Join(p.opts.BinDir, name)
	before, err := readEntry(path)
	if err != nil {
		return err
	}
	p.change(path, before, &Entry{Link: filepath.Join(p.setDir(), name)}, changed{Ours: true})
	return nil
}

// change plans one change, unless it has been made, and keeps what stood there
// before the first one.
func (p *Plan) change(path string, before, after *Entry, note changed) {
	known := p.state.find(path)
	if before.same(after) {
		if known == nil {
			// Somebody else's, and just what is wanted: it is not ours to remove.
			return
		}
	} else {
		p.Changes = append(p.Changes, Change{Path: path, Before: before, After: after})
	}
	note.Path, note.Written, note.Original = path, *save(after), save(before)
	if known != nil && (known.wrote(before) || known.Original.is(before) || before.same(after)) {
		note.Original = known.Original
	}
	if known != nil && known.wrote(before) && !before.same(after) {
		note.Previous = save(before)
	}
	p.state.set(note)
}

// configure plans the drop-in, and what makes containerd read it.
func (p *Plan) configure(ctx context.Context) error {
	cfg, err := criconfig.Read(ctx, p.opts.ContainerdConfig)
	if err != nil {
		return err
	}
	file, imported := cfg.DropIn()
	if r, ok := cfg.Runtimes[p.opts.RuntimeName]; ok && !p.defines(file) {
		return p.foreignRuntime(cfg, r, file)
	}
	if err := p.rename(file); err != nil {
		return err
	}
	if cfg.CRIDisabled {
		p.note("containerd's CRI plugin is disabled in %s: the runtime will serve ctr, nerdctl and Docker only", cfg.Path)
	}
	table, err := criconfig.Table(cfg.DropInVersion(), p.opts.RuntimeName, cfg.Runc().Bookend(p.opts.shimPath()))
	if err != nil {
		return err
	}
	if p.opts.OldContainerd(cfg.Version) {
		p.Todo = "This containerd may be older than 2.0, where a drop-in replaces the runtimes of the main file.\n" +
			"Add to " + cfg.Path + ":\n\n" + string(table)
		return nil
	}
	if !imported && cfg.Exists && !p.opts.EditConfig {
		p.Todo = "containerd does not read " + file + ": " + cfg.Path + " does not import it.\n" +
			"Run this again with --edit-config, or put this line at the top of " + cfg.Path + ",\n" +
			"in place of its imports if it has any:\n\n" + cfg.Snippet() + "\n"
	}
	if err := p.dropIn(cfg, file, table); err != nil {
		return err
	}
	if imported || p.Todo != "" {
		return nil
	}
	return p.editMain(cfg)
}

// dropIn plans bookend's own file.
func (p *Plan) dropIn(cfg *criconfig.Config, file string, table []byte) error {
	before, err := readEntry(file)
	if err != nil {
		return err
	}
	known := p.state.find(file)
	if before != nil && known == nil {
		return fmt.Errorf("%s: %w", file, ErrForeign)
	}
	if before != nil && !known.wrote(before) && !known.Original.is(before) {
		p.note("%s has been changed since it was installed, and is left as it is", file)
		return nil
	}
	p.makeDir(filepath.Dir(file))
	after := owned(dropInText(cfg, table))
	p.Restart = p.Restart || !before.same(after)
	p.change(file, before, after, changed{Ours: true, Runtime: p.opts.RuntimeName})
	return nil
}

// editMain plans the main file: a new one, or the old with one line changed.
func (p *Plan) editMain(cfg *criconfig.Config) error {
	before, err := readEntry(cfg.Path)
	if err != nil {
		return err
	}
	p.Restart = true
	if before == nil {
		p.makeDir(filepath.Dir(cfg.Path))
		p.change(cfg.Path, nil, owned(cfg.NewMain()), changed{})
		return nil
	}
	if before.Link != "" {
		p.Todo = cfg.Path + " is a symbolic link, and is left alone. Put this line at the top of the file it leads to,\n" +
			"in place of its imports if it has any:\n\n" + cfg.Snippet() + "\n"
		return nil
	}
	text, edit, err := criconfig.AddImport(before.Data, cfg.ImportPattern())
	if err == nil {
		p.change(cfg.Path, before, before.withData(text), changed{Edit: &edit})
	} else {
		p.Todo = "The imports of " + cfg.Path + " cannot be changed by machine (" + err.Error() + "). Make them:\n\n" + cfg.Snippet() + "\n"
	}
	return nil
}
