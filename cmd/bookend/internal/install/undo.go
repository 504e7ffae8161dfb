package install

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	p := &Plan{Set: s.Current, state: s, opts: Options{LibDir: lib}}
	if err := inUse(p.opts.versionsDir()); err != nil {
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
	p.Remove = []string{lib}
	return p, nil
}

func inUse(versions string) error {
	busy, err := running(versions)
	if err != nil || len(busy) == 0 {
		return err
	}
	var pids []string
	for _, of := range busy {
		for _, pid := range of {
			pids = append(pids, fmt.Sprint(pid))
		}
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
	switch {
	case c.Original.is(now):
		return nil
	case c.Written.is(now):
		if after, err = c.Original.load(p.opts.LibDir); err != nil {
			return err
		}
	case now == nil:
		p.note("%s has been removed since, and is not restored", c.Path)
		return nil
	case c.Edit != nil && now.Link == "":
		text, ok := c.Edit.Undo(now.Data)
		if !ok {
			p.note("%s has been changed since, and the line that bookend wrote is not in it: left as it is", c.Path)
			return nil
		}
		after = now.withData(text)
	case c.Ours && now.Link == "" && filepath.Ext(c.Path) == ".toml":
		// Its runtime would lead to a shim that is gone; what somebody wrote is
		// kept under a name that containerd does not import.
		aside := c.Path + ".changed"
		p.note("%s has been changed since, and is kept as %s", c.Path, aside)
		p.Changes = append(p.Changes, Change{Path: aside, After: now})
	default:
		p.note("%s has been changed since, and is left as it is", c.Path)
		return nil
	}
	p.Restart = p.Restart || filepath.Ext(c.Path) == ".toml"
	p.Changes = append(p.Changes, Change{Path: c.Path, Before: now, After: after})
	return nil
}

// Revert carries out a plan of [Undo]. After an error the same command goes on.
func (p *Plan) Revert() error {
	for _, c := range p.Changes {
		if err := c.apply(); err != nil {
			return fmt.Errorf("restore %s: %w", c.Path, err)
		}
	}
	if err := removeAll(p.Remove); err != nil {
		return err
	}
	for _, dir := range slices.Backward(p.state.Dirs) {
		// What others have put there since keeps it.
		_ = os.Remove(dir)
	}
	return nil
}
