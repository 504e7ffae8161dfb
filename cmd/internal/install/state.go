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

	raw []byte // the file that it came from, or went to
}

// changed is one file that is not as it was.
type changed struct {
	Path     string `json:"path"`
	Original *saved `json:"original"` // null: there was none
	Written  saved  `json:"written"`
	// Previous is what an earlier installation wrote, and what is still there
	// where this one has failed.
	Previous *saved          `json:"previous,omitempty"`
	Edit     *criconfig.Edit `json:"edit,omitempty"` // the only line that differs
	// Ours says that nobody else has a say in the content.
	Ours bool `json:"ours,omitempty"`
}

// wrote tells whether e came from an installation.
func (c *changed) wrote(e *Entry) bool {
	return c.Written.is(e) || c.Previous != nil && c.Previous.is(e)
}

// saved is an entry whose data is kept elsewhere.
type saved struct {
	Link   string      `json:"link,omitempty"`
	SHA256 string      `json:"sha256,omitempty"`
	Mode   fs.FileMode `json:"mode,omitempty"`
	UID    int         `json:"uid,omitempty"`
	GID    int         `json:"gid,omitempty"`
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
	e := &Entry{Data: append(data, '\n'), Mode: 0o600, UID: os.Getuid(), GID: os.Getgid()}
	if old, err := readEntry(statePath(lib)); err == nil && e.same(old) {
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

func save(e *Entry) *saved {
	switch {
	case e == nil:
		return nil
	case e.Link != "":
		return &saved{Link: e.Link}
	}
	return &saved{SHA256: e.digest(), Mode: e.Mode, UID: e.UID, GID: e.GID}
}

// is tells whether e is what was saved.
func (s *saved) is(e *Entry) bool {
	if s == nil || e == nil {
		return s == nil && e == nil
	}
	return *save(e) == *s
}

func originalPath(lib, digest string) string { return filepath.Join(lib, "original", digest) }

// load returns what was saved as an entry.
func (s *saved) load(lib string) (*Entry, error) {
	if s == nil {
		return nil, nil
	}
	if s.Link != "" {
		return &Entry{Link: s.Link}, nil
	}
	data, err := os.ReadFile(originalPath(lib, s.SHA256))
	if err != nil {
		return nil, err
	}
	return &Entry{Data: data, Mode: s.Mode, UID: s.UID, GID: s.GID}, nil
}
