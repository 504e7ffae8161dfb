//go:build linux

package record

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pruneEvery is the least time between two prunings of a directory.
	pruneEvery = time.Second
	// stampFile has as its modification time when records were last pruned.
	stampFile = "pruned"
	// blockSize is what a file takes beside what is in it, about, in bytes.
	blockSize = 4 << 10
)

// pruneMark is what a store knows of its own last pruning.
type pruneMark struct {
	mu     sync.Mutex
	at     time.Time
	count  int   // records written since
	bytes  int64 // of them, about
	queued bool  // the next one waits for its turn
}

// pruneSoon has the directory pruned when it is time, or when this store alone
// has written an eighth of what may be kept. size is that of what was written.
func (s *Store) pruneSoon(size int) {
	if urgent, due := s.pruneDue(size); due {
		taken := s.do(entrySize, 0, func() error {
			s.pruned.mu.Lock()
			s.pruned.at, s.pruned.count, s.pruned.bytes, s.pruned.queued = time.Now(), 0, 0, false
			s.pruned.mu.Unlock()
			return s.prune(urgent)
		})
		if !taken {
			s.pruned.mu.Lock()
			defer s.pruned.mu.Unlock()
			s.pruned.queued = false
		}
	}
}

func (s *Store) pruneDue(size int) (urgent, due bool) {
	m := &s.pruned
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	m.bytes += blockSize + int64(size)/3*4 // base64
	urgent = m.count > s.limits.MaxCount/8 || m.bytes > s.limits.MaxBytes/8
	if m.queued || !urgent && time.Since(m.at) < pruneEvery {
		return urgent, false
	}
	m.queued = true
	return urgent, true
}

// prune removes what is beyond the limits, unless another process does so now
// or, unless it is urgent, did within the last second.
func (s *Store) prune(urgent bool) error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	defer dir.Close()
	// Of two at once, each would take what the other is removing for open.
	if err := lock(dir, unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	}
	stamp, err := s.create(filepath.Join(s.dir, stampFile), os.O_RDWR)
	if err == nil {
		defer stamp.Close()
		if !isDue(stamp, urgent) {
			return nil
		}
	}
	// Without a stamp it is done all the same: there may be no room for one.
	return errors.Join(err, s.pruneRecords(), s.pruneStatuses())
}

// isDue tells whether the stamp allows a pruning now, and renews it.
func isDue(stamp *os.File, urgent bool) bool {
	st, err := stamp.Stat()
	if err != nil {
		return true
	}
	age := time.Since(st.ModTime())
	if !urgent && age >= 0 && age < pruneEvery {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(stamp.Name(), now, now) // an error: others may prune again
	return true
}
