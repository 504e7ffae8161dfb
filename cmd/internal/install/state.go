package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bookend.dev/bookend/cmd/internal/criconfig"
)

// state is what an installation has changed, in the order in which it did.
type state struct {
	Format  int       `json:"format"`  // 1
	Current string    `json:"current"` // the set of binaries that is linked to
	Changed []changed `json:"changed"`
	// Dirs are the directories that did not exist, outermost first.
	Dirs []string `json:"dirs,omitempty"`
	// Restart is what makes the containerd that was configured read its files again.
	Restart string `json:"restart,omitempty"`
	// Main is that containerd's main file.
	Main string `json:"main,omitempty"`

	// InPlace is the directory of binaries that no installation has put there; empty:
	// they are in a set.
	InPlace string `json:"inPlace,omitempty"`

	raw []byte // the file that it came from, or went to
}

// changed is one file that is not as it was.
type changed struct {
	Path     string `json:"path"`
	Original *meta  `json:"original"` // null: there was none
	Written  meta   `json:"written"`
	// Previous is what an earlier installation wrote, and what is still there
	// where this one has failed.
	Previous *meta           `json:"previous,omitempty"`
	Edit     *criconfig.Edit `json:"edit,omitempty"` // the only lines that differ
	// PreviousEdit goes with Previous.
	PreviousEdit *criconfig.Edit `json:"previousEdit,omitempty"`
	// Ours says that only installations write the content, of the edit if there is
	// one.
	Ours bool `json:"ours,omitempty"`
}

// block tells whether only a part of the file is an installation's, the edit.
func (c *changed) block() bool { return c.Edit != nil && c.Ours }

// without is what a file has beside the edit of an installation, this one's or the
// one's before; false: no edit is in it as it was written. It fails with errFollows
// where the rest would not say the same any more.
func (c *changed) without(e *Entry) ([]byte, bool, error) {
	if e == nil || e.Link != "" {
		return nil, false, nil
	}
	for _, edit := range []*criconfig.Edit{c.Edit, c.PreviousEdit} {
		if edit != nil {
			if out, ok := edit.Undo(e.Data); ok {
				if c.Ours && edit.Follows(e.Data, out) {
					return nil, false, fmt.Errorf("%s: %w", c.Path, errFollows)
				}
				return out, true, nil
			}
		}
	}
	return nil, false, nil
}

// wrote tells whether e came from an installation.
func (c *changed) wrote(e *Entry) bool {
	return e.same(&c.Written) || c.Previous != nil && e.same(c.Previous)
}

const stateFormat = 1

func statePath(lib string) string { return filepath.Join(lib, "state.json") }

// loadState returns ErrNotInstalled where there is none.
func loadState(lib string) (*state, error) {
	data, err := os.ReadFile(statePath(lib))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", lib, ErrNotInstalled)
	}
	if err != nil {
		return nil, err
	}
	s := state{raw: data}
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", statePath(lib), err)
	}
	if s.Format != stateFormat {
		return nil, fmt.Errorf("%s: format %d, this bookend knows %d", statePath(lib), s.Format, stateFormat)
	}
	return &s, nil
}

func (s *state) save(lib string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	e := newFile(append(data, '\n'), 0o600)
	if old, err := readEntry(statePath(lib)); err == nil && e.same(old.saved()) {
		return nil
	}
	if err := e.put(statePath(lib)); err != nil {
		return err
	}
	s.raw = e.Data
	return nil
}

func (s *state) find(path string) *changed {
	i := slices.IndexFunc(s.Changed, func(c changed) bool { return c.Path == path })
	if i < 0 {
		return nil
	}
	return &s.Changed[i]
}

// set notes a change in place of an earlier one of the same file.
func (s *state) set(c changed) {
	if old := s.find(c.Path); old != nil {
		*old = c
		return
	}
	s.Changed = append(s.Changed, c)
}

func originalPath(lib, digest string) string { return filepath.Join(lib, "original", digest) }

// load returns the entry that was saved.
func (m *meta) load(lib string) (*Entry, error) {
	if m == nil {
		return nil, nil
	}
	if m.Link != "" {
		return newLink(m.Link), nil
	}
	data, err := os.ReadFile(originalPath(lib, m.SHA256))
	if err != nil {
		return nil, err
	}
	return m.file(data), nil
}
