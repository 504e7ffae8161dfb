package install

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Apply carries the plan out. After an error the same plan can be made and
// carried out again.
func (p *Plan) Apply() error {
	if p.opts.InPlace && p.Empty() && p.state.raw == nil && len(p.state.Changed) == 0 {
		return nil // there is nothing to undo
	}
	unlock, err := p.begin()
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	defer unlock()
	if err := p.prepare(); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if p.Place != "" {
		if err := copySet(p.opts.binary, p.Place); err != nil {
			return fmt.Errorf("place binaries: %w", err)
		}
	}
	for _, c := range p.Changes {
		if err := c.apply(); err != nil {
			return fmt.Errorf("change %s: %w", c.Path, err)
		}
	}
	return p.prune()
}

// begin writes down what is about to be changed, before anything else is, so
// that no failure leaves something that cannot be undone. Only the directory of
// the state itself has to be there before.
func (p *Plan) begin() (unlock func(), err error) {
	p.makeDir(p.opts.LibDir)
	p.makeDir(p.opts.BinDir)
	for _, dir := range p.ownDirs() {
		p.makeDir(dir)
	}
	if err := os.MkdirAll(p.opts.LibDir, 0o755); err != nil {
		return nil, err
	}
	if unlock, err = p.lock(); err != nil {
		return nil, err
	}
	if err := p.state.save(p.opts.LibDir); err != nil {
		if p.state.raw == nil {
			removeEmpty(p.state.Dirs) // nothing remembers them
		}
		unlock()
		return nil, fmt.Errorf("save the state: %w", err)
	}
	return unlock, nil
}

// lock keeps other installations in the same directory out, and refuses the
// plan where one was there since it was made.
func (p *Plan) lock() (unlock func(), err error) {
	if unlock, err = lock(p.opts.LibDir); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(statePath(p.opts.LibDir))
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = nil, nil
	}
	if err == nil && !bytes.Equal(raw, p.state.raw) {
		err = fmt.Errorf("%s: %w", statePath(p.opts.LibDir), errChanged)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// prepare makes directories, and keeps what is replaced.
func (p *Plan) prepare() error {
	for _, dir := range append(slices.Clone(p.state.Dirs), p.ownDirs()...) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for _, c := range p.Changes {
		known := p.state.find(c.Path)
		if c.Before == nil || c.Before.Link != "" || known == nil || !c.Before.same(known.Original) {
			continue
		}
		path := originalPath(p.opts.LibDir, c.Before.SHA256)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := newFile(c.Before.Data, 0o600).put(path); err != nil {
			return fmt.Errorf("keep %s: %w", c.Path, err)
		}
	}
	return nil
}

// ownDirs are the directories in that of the installation.
func (p *Plan) ownDirs() []string {
	if p.opts.InPlace {
		return []string{p.opts.originals()}
	}
	return []string{p.opts.versionsDir(), p.opts.originals()}
}

// makeDir plans a directory and those above it, as far as they do not exist.
func (p *Plan) makeDir(dir string) {
	var missing []string
	for ; !exists(dir) && !slices.Contains(p.state.Dirs, dir); dir = filepath.Dir(dir) {
		missing = append(missing, dir)
	}
	slices.Reverse(missing)
	p.state.Dirs = append(p.state.Dirs, missing...)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func (c Change) apply() error {
	now, err := readEntry(c.Path)
	if err != nil {
		return err
	}
	if !now.same(c.Before.saved()) {
		return errChanged
	}
	return c.After.put(c.Path)
}

// prune removes other sets. Shims have started from them since the plan was made,
// perhaps; now that the links lead elsewhere no more will.
func (p *Plan) prune() error {
	if len(p.Remove) == 0 {
		return nil
	}
	free, err := unused(p.opts.versionsDir(), p.Set)
	if err != nil {
		return err
	}
	for _, dir := range p.Remove {
		if !slices.Contains(free, dir) {
			p.note("%s is in use by now, and stays", dir)
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// removeEmpty removes directories, innermost first, that no one has put
// anything into.
func removeEmpty(dirs []string) {
	for _, dir := range slices.Backward(dirs) {
		_ = os.Remove(dir)
	}
}
