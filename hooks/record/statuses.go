//go:build linux

package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// dueStatuses is what the statuses of a store's own containers are to be. The
// latest wins: what lies in between need not be seen.
type dueStatuses struct {
	mu  sync.Mutex
	due map[string]*Status // by file name; nil: to be removed
}

// statusDelay is how long a status waits for one that replaces it: most phases of
// a container pass in less, and no one would have seen them.
const statusDelay = 50 * time.Millisecond

// Post writes a container's status, in the background and a moment later: it
// waits for nothing. Version and Shim are not looked at: the shim is the calling
// process.
func (s *Store) Post(st Status) {
	st.Version = Version
	s.put(st.Subject, &st, 0)
}

// Remove removes a container's status, and waits a moment for everything that
// was given to the store before.
func (s *Store) Remove(c Subject) { s.put(c, nil, patience) }

func (s *Store) put(c Subject, st *Status, wait time.Duration) {
	name := statusName(c)
	b := &s.statuses
	b.mu.Lock()
	if b.due == nil {
		b.due = map[string]*Status{}
	}
	_, queued := b.due[name]
	b.due[name] = st
	b.mu.Unlock()
	switch {
	case wait > 0 || !queued && s.statusDelay == 0:
		s.writeSoon(name, wait)
	case !queued:
		time.AfterFunc(s.statusDelay, func() { s.writeSoon(name, 0) })
	}
}

// writeSoon has a container's file made what it is to be. Where the store takes
// nothing more, that is forgotten.
func (s *Store) writeSoon(name string, wait time.Duration) {
	if s.do(entrySize, wait, func() error { return s.writeDue(name) }) {
		return
	}
	s.statuses.mu.Lock()
	defer s.statuses.mu.Unlock()
	delete(s.statuses.due, name)
}

// writeDue makes a container's file what it is to be.
func (s *Store) writeDue(name string) error {
	s.statuses.mu.Lock()
	st, due := s.statuses.due[name]
	delete(s.statuses.due, name)
	s.statuses.mu.Unlock()
	path := s.statusPath(name)
	var err error
	switch {
	case !due:
		return nil
	case st == nil:
		err = ignore(os.Remove(path), fs.ErrNotExist)
	default:
		err = s.replaceStatus(path, *st)
	}
	if err != nil {
		return fmt.Errorf("status of container: %w", err)
	}
	return nil
}

func statusName(c Subject) string { return c.Container + "@" + c.Namespace + ".json" }

func (s *Store) statusPath(name string) string { return filepath.Join(s.dir, statusesDir, name) }

// replaceStatus replaces the file at once: no reader sees half of it.
func (s *Store) replaceStatus(path string, st Status) error {
	var err error
	if st.Shim, err = Self(); err != nil {
		return err
	}
	data, err := json.Marshal(st)
	if err != nil {
		return err
	}
	dir, name := filepath.Split(path)
	tmp := filepath.Join(dir, tmpPrefix+name)
	f, err := s.create(tmp, os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp)
	}
	return err
}

// tmpPrefix is that of statuses that are being written.
const tmpPrefix = "."
