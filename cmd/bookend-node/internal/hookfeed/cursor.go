package hookfeed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bookend.dev/bookend/cmd/internal/atomicfile"
)

// cursorVersion is that of the format of cursors.
const cursorVersion = 1

// stage is how much of a record was told.
type stage uint8

const (
	nothing stage = iota
	begun         // Began was told, or Undelivered
	over          // nothing more is to be told
)

// run is one run of a hook, of which not everything was told.
type run struct {
	Started time.Time `json:"started"`
	Attempt int       `json:"attempt"`        // the latest that was told
	ID      string    `json:"id"`             // of its record; empty: it was dropped
	Slow    bool      `json:"slow,omitempty"` // that was told
}

// cursor is what was told so far.
type cursor struct {
	Version int `json:"version"`
	// Since is when the oldest attempt began that is to be told.
	Since time.Time `json:"since"`
	// Records are those in the directory, by ID.
	Records map[string]stage `json:"records"`
	// Runs are those that have not ended, by container and hook.
	Runs map[string]run `json:"runs"`
}

// readCursor returns the cursor at path, or a new one.
func readCursor(path string, now time.Time) (cursor, error) {
	fresh := cursor{Version: cursorVersion, Since: now.Add(-FirstLook), Records: map[string]stage{}, Runs: map[string]run{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return cursor{}, err
	}
	c := fresh
	if err := json.Unmarshal(data, &c); err != nil {
		return fresh, fmt.Errorf("%w: %s: %w", ErrCursor, path, err)
	}
	if c.Version != cursorVersion {
		return fresh, fmt.Errorf("%w: %s: version %d", ErrCursor, path, c.Version)
	}
	return c, nil
}

// write replaces the file at path.
func (c cursor) write(path string) error {
	data, err := json.Marshal(c)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = atomicfile.Write(path, data, 0o600, -1, -1)
	}
	if err != nil {
		return fmt.Errorf("cursor of the feed: %w", err)
	}
	return nil
}
