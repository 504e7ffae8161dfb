package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// statusBoard is what the statuses of a store's own containers are to be. The
// latest wins: what lies in between need not be seen.
type statusBoard struct {
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
	if s.do(entrySize, wait, func() error { return s.write(name) }) {
		return
	}
	s.statuses.mu.Lock()
	defer s.statuses.mu.Unlock()
	delete(s.statuses.due, name)
}

// write makes a container's file what it is to be.
func (s *Store) write(name string) error {
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
		err = s.writeStatus(path, *st)
	}
	if err != nil {
		return fmt.Errorf("status of container: %w", err)
	}
	return nil
}

func statusName(c Subject) string { return c.Container + "@" + c.Namespace + ".json" }

func (s *Store) statusPath(name string) string { return filepath.Join(s.dir, statusesDir, name) }

// writeStatus replaces the file at once: no reader sees half of it.
func (s *Store) writeStatus(path string, st Status) error {
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

// Statuses returns where the containers stand whose shims live, by name of
// file. Files that are none are passed over and told of.
func (s *Store) Statuses() (statuses []Status, skipped []error, err error) {
	files, err := readDir(filepath.Join(s.dir, statusesDir))
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if !isStatus(f.Name()) {
			continue
		}
		st, _, err := readStatus(s.statusPath(f.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			skipped = append(skipped, fmt.Errorf("%s: %w", s.statusPath(f.Name()), err))
		case st.Shim.Alive():
			statuses = append(statuses, st)
		}
	}
	return statuses, skipped, nil
}

func isStatus(name string) bool {
	return strings.HasSuffix(name, ".json") && !strings.HasPrefix(name, tmpPrefix)
}

// readStatus also returns the inode of the file.
func readStatus(path string) (Status, uint64, error) {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return Status{}, 0, err
	}
	defer f.Close()
	inode, err := inodeOf(f.Fd())
	if err != nil {
		return Status{}, 0, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return Status{}, 0, err
	}
	var st Status
	if !json.Valid(data) {
		return Status{}, 0, errNotStatus
	}
	_ = json.Unmarshal(data, &st) // an error: a newer version's fields
	if st.Version < 1 {
		return Status{}, 0, errNotStatus
	}
	return st, inode, nil
}

func inodeOf(fd uintptr) (uint64, error) {
	var st unix.Stat_t
	err := unix.Fstat(int(fd), &st)
	return st.Ino, os.NewSyscallError("fstat", err)
}

// pruneStatuses removes what shims left that died.
func (s *Store) pruneStatuses() error {
	files, err := readDir(filepath.Join(s.dir, statusesDir))
	if err != nil {
		return err
	}
	var failed error
	for _, f := range files {
		path := s.statusPath(f.Name())
		if isStatus(f.Name()) {
			failed = errors.Join(failed, removeDead(path))
		} else if st, err := f.Info(); err == nil && strings.HasPrefix(f.Name(), tmpPrefix) && time.Since(st.ModTime()) > time.Minute {
			failed = errors.Join(failed, ignore(os.Remove(path), fs.ErrNotExist))
		}
	}
	return failed
}

// removeDead removes a status whose shim is dead. Another shim may have put its
// own in the place meanwhile.
func removeDead(path string) error {
	st, inode, err := readStatus(path) // an error: foreign, or removed meanwhile
	var now unix.Stat_t
	if err == nil && !st.Shim.Alive() && unix.Lstat(path, &now) == nil && now.Ino == inode {
		return ignore(os.Remove(path), fs.ErrNotExist)
	}
	return nil
}
