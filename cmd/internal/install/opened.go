package install

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Set is a set of new binaries whose files are open: it can be installed by a
// process that has left the directory behind, below another root.
type Set struct {
	name  string
	files map[string]*os.File
}

// OpenSet opens the binaries in a directory, and runs the command among them, as
// [New] does.
func OpenSet(ctx context.Context, dir string) (*Set, error) {
	s := &Set{files: map[string]*os.File{}}
	for _, name := range binaries() {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("new binaries: %w", err)
		}
		s.files[name] = f
	}
	var err error
	if s.name, err = identify(ctx, dir); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close closes the files.
func (s *Set) Close() {
	for _, f := range s.files {
		_ = f.Close()
	}
}

// binary is the content of a new binary.
func (o Options) binary(name string) ([]byte, error) {
	if o.Opened == nil {
		return os.ReadFile(filepath.Join(o.From, name))
	}
	f := o.Opened.files[name]
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, 0, st.Size()))
}
