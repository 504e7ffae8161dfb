//go:build linux

package record

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bookend.dev/bookend/hooks"
)

// patience is how long a caller waits for the file system.
const patience = 250 * time.Millisecond

const (
	recordsDir  = "records"
	statusesDir = "containers"
)

// Store is a directory of records and statuses. Any number of processes may
// write to it and read it at once.
//
// What writes reports no errors: a hook does not fail because its record cannot
// be written. Nor does it wait for longer than 250 ms: what it has to do is done
// by a goroutine of the store, one thing after the other, and goes on when the
// caller has gone on. While the file system hangs callers do not wait at all,
// and beyond 8 MiB of what waits to be written more is dropped.
type Store struct {
	// Log is told of everything that could not be written; nil: no one is. It
	// may be called by several goroutines at once, and is set before the store
	// is used.
	Log func(error)

	dir         string
	seed        maphash.Seed
	limits      Limits
	open        func(path string, flags int) (*os.File, error)
	statusDelay time.Duration // 0: statuses are written at once
	queue       queue
	statuses    dueStatuses
	pruned      pruneMark
}

// Open returns the store in dir, which need not be there: it is made, for root
// alone, when something is written.
func Open(dir string, limits Limits) *Store {
	return &Store{dir: dir, seed: maphash.MakeSeed(), limits: withDefaults(limits), open: openFile, statusDelay: statusDelay}
}

func openFile(path string, flags int) (*os.File, error) { return os.OpenFile(path, flags, 0o600) }

// Dir is the store's directory.
func (s *Store) Dir() string { return s.dir }

func (s *Store) recordPath(name string) string { return filepath.Join(s.dir, recordsDir, name) }

// create opens a new file below the directory, which it makes if need be.
func (s *Store) create(path string, flags int) (*os.File, error) {
	f, err := s.open(path, flags|os.O_CREATE)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return s.open(path, flags|os.O_CREATE)
}

// do has a job done after all that were given before, and waits for it for no
// longer than wait, nor at all for a file system that hangs. size is about how
// much memory the job holds, in bytes. It tells whether the job will be done.
func (s *Store) do(size int, wait time.Duration, run func() error) bool {
	j, a := s.give(size, run)
	return s.await(j, a, wait)
}

// give is do without the waiting.
func (s *Store) give(size int, run func() error) (*job, admission) {
	j := &job{size: size, done: make(chan struct{}), run: func() { s.tell(hooks.Recovered(run)) }}
	return j, s.queue.add(j)
}

// await is the waiting of do for a job that the queue was given.
func (s *Store) await(j *job, a admission, wait time.Duration) bool {
	switch a {
	case full:
		s.tell(fmt.Errorf("%s: %w: something was not recorded", s.dir, ErrBacklog))
		return false
	case hangs:
		return true
	}
	if wait == 0 {
		return true
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case <-j.done:
	case <-late.C:
		s.tell(fmt.Errorf("%s: %w: no answer within %s", s.dir, ErrHangs, wait))
	}
	return true
}

func (s *Store) tell(err error) {
	if err != nil && s.Log != nil {
		s.Log(err)
	}
}
