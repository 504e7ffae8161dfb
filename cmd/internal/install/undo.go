package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bookend.dev/bookend/cmd/internal/criconfig"
)

// Undo plans to put everything back as it was before the first installation
// in lib. It changes nothing. While shims of the installation run it is refused
// with [ErrInUse] unless force is set: containerd needs their binary to clean up
// after them, and gives their containers up when it restarts without it.
func Undo(lib string, force bool) (*Plan, error) {
	s, err := loadState(lib)
	if err != nil {
		return nil, err
	}
	p := &Plan{Set: s.Current, state: s, force: force, opts: Options{LibDir: lib}}
	if err := p.inUse(); err != nil {
		if !force {
			return nil, err
		}
		p.note("%v", err)
	}
	for _, c := range slices.Backward(s.Changed) {
		if err := p.undo(c); err != nil {
			return nil, err
		}
	}
	if err := p.unnamed(); err != nil {
		return nil, err
	}
	if err := p.removeOwn(); err != nil {
		return nil, err
	}
	return p, p.possible()
}

// TakeBack plans to put back containerd's configuration alone, for a containerd that does
// not serve with it. It changes nothing. Shims may run: their binaries stay, and so does
// what is known of the installation, which [New] repeats and [Undo] removes.
func TakeBack(lib string) (*Plan, error) {
	s, err := loadState(lib)
	if err != nil {
		return nil, err
	}
	p := &Plan{Set: s.Current, state: s, force: true, opts: Options{LibDir: lib}}
	for _, c := range slices.Backward(s.Changed) {
		if !c.configures() {
			continue
		}
		if err := p.undo(c); err != nil {
			return nil, err
		}
	}
	if err := p.unnamed(); err != nil {
		return nil, err
	}
	return p, p.possible()
}

// configures tells whether the file is one of containerd's configuration.
func (c *changed) configures() bool { return c.Edit != nil || filepath.Ext(c.Path) == ".toml" }

// unnamed refuses to remove a file that the main file imports by its name, and not by
// a pattern.
func (p *Plan) unnamed() error {
	main, err := os.ReadFile(p.state.Main)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if i := slices.IndexFunc(p.Changes, func(c Change) bool { return c.Path == p.state.Main && c.After != nil }); i >= 0 {
		main = p.Changes[i].After.Data
	}
	for _, c := range p.Changes {
		// With a main file that cannot be read containerd does not start anyway.
		if named, err := criconfig.ImportsByName(main, p.state.Main, c.Path); err == nil && named && c.After == nil {
			return fmt.Errorf("the imports of %s name %s: %w; take it out of them, and run the command again", p.state.Main, c.Path, errNamed)
		}
	}
	return nil
}

// removeOwn plans to remove what is ours in the directory of the installation, which
// others may have things in as well: the state last, because without it there
// is nothing to go on with.
func (p *Plan) removeOwn() error {
	var err error
	if p.Remove, err = sets(p.opts.versionsDir()); err != nil {
		return err
	}
	for _, c := range p.state.Changed {
		if c.Original == nil || c.Original.Link != "" || slices.Contains(p.kept, c.Original.SHA256) {
			continue
		}
		if path := originalPath(p.opts.LibDir, c.Original.SHA256); exists(path) && !slices.Contains(p.Remove, path) {
			p.Remove = append(p.Remove, path)
		}
	}
	p.Remove = append(p.Remove, statePath(p.opts.LibDir))
	return nil
}

func inUse(dirs ...string) error {
	var pids []string
	for _, dir := range dirs {
		busy, err := running(dir)
		if err != nil {
			return err
		}
		for _, of := range busy {
			for _, pid := range of {
				pids = append(pids, fmt.Sprint(pid))
			}
		}
	}
	if len(pids) == 0 {
		return nil
	}
	slices.Sort(pids)
	return fmt.Errorf("%w: pids %s", ErrInUse, strings.Join(pids, ", "))
}

// undo plans the way back of one file.
func (p *Plan) undo(c changed) error {
	now, err := readEntry(c.Path)
	if err != nil {
		return err
	}
	var after *Entry
	text, there, err := c.without(now)
	if err != nil {
		return err
	}
	switch {
	case now.same(c.Original):
		return nil
	case there && (c.Original != nil || !c.wrote(now)):
		// All else stays, whether it was written before an installation or since.
		after = now.file(text)
	case c.wrote(now):
		if after, err = c.Original.load(p.opts.LibDir); err != nil {
			return err
		}
	case now == nil:
		p.note("%s has been removed since, and is not restored%s", c.Path, p.keep(c))
		return nil
	case c.Edit != nil && now.Link == "":
		p.note("%s has been changed since, and what bookend wrote is not in it: left as it is%s", c.Path, p.keep(c))
		return nil
	case c.Ours && now.Link == "" && filepath.Ext(c.Path) == ".toml":
		// Its runtime would lead to a shim that is gone. What a user wrote is
		// kept under a name that containerd does not import.
		if err := p.putAside(c.Path, now); err != nil {
			return err
		}
	default:
		p.note("%s has been changed since, and is left as it is%s", c.Path, p.keep(c))
		return nil
	}
	p.Restart = p.Restart || c.configures()
	p.Changes = append(p.Changes, Change{Path: c.Path, Before: now, After: after})
	return nil
}

// keep spares the only copy of what is not restored, and says where it is.
func (p *Plan) keep(c changed) string {
	switch {
	case c.Original == nil:
		return ""
	case c.Original.Link != "":
		return "; before bookend it was a link to " + c.Original.Link
	}
	path := originalPath(p.opts.LibDir, c.Original.SHA256)
	if !exists(path) {
		return ""
	}
	p.kept = append(p.kept, c.Original.SHA256)
	return "; what stood there before bookend is kept as " + path
}

// putAside plans a copy of what is at path, under a name that is free, or that
// has that copy already.
func (p *Plan) putAside(path string, now *Entry) error {
	for n := 1; ; n++ {
		aside := path + ".changed"
		if n > 1 {
			aside += fmt.Sprint(".", n)
		}
		there, err := readEntry(aside)
		switch {
		case errors.Is(err, errKind):
			continue
		case err != nil:
			return err
		case there == nil:
			p.Changes = append(p.Changes, Change{Path: aside, After: now})
		case !there.same(now.saved()):
			continue
		}
		p.note("%s has been changed since, and is kept as %s", path, aside)
		return nil
	}
}

// Revert carries out a plan of [Undo]. After an error the same command goes on.
// It fails with [ErrInUse] where a shim has started since the plan was made: its
// binaries stay then, but no more shims start from them.
func (p *Plan) Revert() error {
	unlock, err := p.lock()
	if err != nil {
		return fmt.Errorf("uninstall: %w", err)
	}
	defer unlock()
	for _, c := range p.Changes {
		if err := c.apply(); err != nil {
			return fmt.Errorf("restore %s: %w", c.Path, err)
		}
	}
	if !p.force {
		if err := p.inUse(); err != nil {
			return err
		}
	}
	for _, path := range p.Remove {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	removeEmpty(p.state.Dirs)
	return nil
}
