package install

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
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
	// Then is what a person has to do after that; empty: restart containerd.
	Then string
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

// HowToRestart is what makes the containerd that was configured read its files
// again; empty where the installation did not say.
func (p *Plan) HowToRestart() string { return p.state.Restart }

// New plans an installation. It changes nothing.
func New(ctx context.Context, opts Options) (*Plan, error) {
	p := &Plan{opts: opts}
	var err error
	if p.state, err = loadState(opts.LibDir); err != nil {
		if !errors.Is(err, ErrNotInstalled) {
			return nil, err
		}
		p.state = &state{Format: stateFormat}
	}
	if opts.Opened == nil {
		if err := opts.damaged(); err != nil {
			return nil, err
		}
		if p.Set, err = identify(ctx, opts.From); err != nil {
			return nil, err
		}
	} else {
		p.Set = opts.Opened.name
	}
	p.state.Current = p.Set
	if err := p.binaries(); err != nil {
		return nil, err
	}
	if !opts.BinariesOnly {
		p.state.Restart, p.state.Main = opts.Restart, opts.ContainerdConfig
		if err := p.configure(ctx); err != nil {
			return nil, err
		}
	}
	if opts.Prune {
		if p.Remove, err = unused(opts.versionsDir(), p.Set); err != nil {
			return nil, err
		}
	}
	return p, p.possible()
}

// binaries plans the set of binaries and the links to it.
func (p *Plan) binaries() error {
	if p.opts.InPlace {
		p.state.InPlace = p.opts.From
		return p.inPlace()
	}
	if dir := p.setDir(); !complete(dir) {
		p.Place = dir
	}
	for _, name := range linked() {
		if err := p.link(name); err != nil {
			return err
		}
	}
	return nil
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
	if p.state.find(path) == nil && before != nil && strings.HasPrefix(before.Link, p.opts.versionsDir()+"/") {
		p.adopt(path, before)
	}
	p.change(path, before, newLink(filepath.Join(p.setDir(), name)), changed{Ours: true})
	return nil
}

// adopt takes what an installation here has left, whose state is gone, for this
// one's own: there was nothing before it.
func (p *Plan) adopt(path string, left *Entry) {
	p.state.set(changed{Path: path, Written: left.meta, Ours: true})
}

func (p *Plan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// change plans one change, unless it has been made, and keeps what stood there
// before the first one.
func (p *Plan) change(path string, before, after *Entry, note changed) {
	known := p.state.find(path)
	same := before.same(after.saved())
	if same {
		if known == nil {
			// Somebody else's, and just what is wanted: it is not ours to remove.
			return
		}
	} else {
		p.Changes = append(p.Changes, Change{Path: path, Before: before, After: after})
	}
	note.Path, note.Written, note.Original = path, after.meta, before.saved()
	if known != nil && (known.wrote(before) || before.same(known.Original) || same) {
		note.Original = known.Original
	}
	if known != nil && known.wrote(before) && !same {
		note.Previous = before.saved()
	}
	p.state.set(note)
}
