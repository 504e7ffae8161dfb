package install

import (
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
	if err := p.prepare(); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if p.Place != "" {
		if err := place(p.opts.From, p.Place); err != nil {
			return fmt.Errorf("place binaries: %w", err)
		}
	}
	// What is about to be changed is written down before, so that no failure
	// leaves something that cannot be undone.
	if err := p.state.save(p.opts.LibDir); err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	for _, c := range p.Changes {
		if err := c.apply(); err != nil {
			return fmt.Errorf("change %s: %w", c.Path, err)
		}
	}
	return removeAll(p.Remove)
}

// prepare makes directories, and keeps what is replaced.
func (p *Plan) prepare() error {
	p.makeDir(p.opts.BinDir)
	p.makeDir(filepath.Dir(p.opts.LibDir))
	for _, dir := range append(slices.Clone(p.state.Dirs), p.opts.versionsDir(), filepath.Join(p.opts.LibDir, "original")) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for _, c := range p.Changes {
		known := p.state.find(c.Path)
		if c.Before == nil || c.Before.Link != "" || known == nil || !known.Original.is(c.Before) {
			continue
		}
		path := originalPath(p.opts.LibDir, c.Before.digest())
		if _, err := os.Stat(path); err == nil {
			continue
		}
		keep := &Entry{Data: c.Before.Data, Mode: 0o600, UID: os.Getuid(), GID: os.Getgid()}
		if err := keep.put(path); err != nil {
			return fmt.Errorf("keep %s: %w", c.Path, err)
		}
	}
	return nil
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

// errMoved: the plan is not about what is there now.
var errMoved = errors.New("it was changed meanwhile; run the command again")

func (c Change) apply() error {
	now, err := readEntry(c.Path)
	if err != nil {
		return err
	}
	if !now.same(c.Before) {
		return errMoved
	}
	return c.After.put(c.Path)
}

func removeAll(paths []string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}
