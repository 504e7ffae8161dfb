//go:build linux

package record

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// maxFile is how much of a record is read, in bytes: several times of what is
// ever written.
const maxFile = 4 << 20

// List returns all records, the one that started first in front. Files that
// have the name of a record but are none are passed over and told of, each by
// an error. A directory that is not there has no records.
func (s *Store) List() (records []Record, skipped []error, err error) {
	return s.Follow().Poll()
}

// Follower reads the records of a store again and again.
type Follower struct {
	// Brief has records without output, detail and whatever else a hook, its author
	// or a runtime may have written. A first Poll of many records then takes no more
	// memory than one of them. It is set before the first Poll.
	Brief bool

	store *Store
	take  func(Subject) bool // nil: every container
	seen  map[string]glance  // by name
}

// glance is what was seen of a file.
type glance struct {
	size  int64
	open  bool // it was [Record.Running]
	other bool // it is about a container that is not taken
}

// Follow returns a follower that has not seen anything.
func (s *Store) Follow() *Follower {
	return &Follower{store: s, seen: map[string]glance{}}
}

// Poll is [Store.List] of the records that are new or have changed since the
// last Poll; the first time, all.
func (f *Follower) Poll() (changed []Record, skipped []error, err error) {
	_, skipped, err = f.Changes(math.MaxInt64, func(r Record) error {
		changed = append(changed, r)
		return nil
	})
	return changed, skipped, err
}

// Dir is the directory that changes where a Poll may find something, and nothing
// else does.
func (f *Follower) Dir() string { return filepath.Join(f.store.dir, recordsDir) }

// Has tells whether a record was there at the last Poll.
func (f *Follower) Has(id string) bool {
	_, ok := f.seen[id+extension]
	return ok
}

// look reads a record, unless nothing of it can have changed.
func (f *Follower) look(name string) (Record, glance, error) {
	path := f.store.recordPath(name)
	st, err := os.Lstat(path)
	if err != nil {
		return Record{}, glance{}, err
	}
	seen := glance{size: st.Size()}
	if f.seen[name] == seen && seen.size > 0 {
		return Record{}, seen, nil
	}
	r, size, err := readRecord(path)
	if f.Brief {
		r.Stdout, r.Stderr, r.Detail, r.RunnerReason = nil, nil, "", ""
	}
	r.ID = strings.TrimSuffix(name, extension)
	return r, glance{size: size, open: r.Running}, err
}

// readRecord reads a record and tells, of one without an end, whether its
// writer lives. It also returns the size of the file as it was read.
func readRecord(path string) (Record, int64, error) {
	file, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return Record{}, 0, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return Record{}, 0, err
	}
	r, err := decode(data)
	if err != nil || r.ended() {
		return r, int64(len(data)), err
	}
	return readOpen(file, data, r)
}

// readOpen goes on reading a file whose data so far is a record without an
// end.
func readOpen(file *os.File, data []byte, r Record) (Record, int64, error) {
	size := int64(len(data))
	if err := lock(file, unix.LOCK_SH|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		r.Running = true
		return r, size, nil
	} else if err != nil {
		return r, size, err
	}
	// No one writes any more, but someone may have between the reading and the lock.
	more, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err == nil && len(more) > 0 {
		data = append(data, more...)
		r, err = decode(data)
	}
	if !r.ended() {
		r.Outcome = hooks.Unknown
	}
	return r, int64(len(data)), err
}
