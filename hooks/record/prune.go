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
	// stampFile is locked by the store that prunes; its modification time is
	// when one last did.
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
	if hurry, due := s.pruneDue(size); due {
		taken := s.do(entrySize, 0, func() error {
			s.pruned.mu.Lock()
			s.pruned.at, s.pruned.count, s.pruned.bytes, s.pruned.queued = time.Now(), 0, 0, false
			s.pruned.mu.Unlock()
			return s.prune(hurry)
		})
		if !taken {
			s.pruned.mu.Lock()
			defer s.pruned.mu.Unlock()
			s.pruned.queued = false
		}
	}
}

func (s *Store) pruneDue(size int) (hurry, due bool) {
	m := &s.pruned
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	m.bytes += blockSize + int64(size)/3*4 // base64
	hurry = m.count > s.limits.MaxCount/8 || m.bytes > s.limits.MaxBytes/8
	if m.queued || !hurry && time.Since(m.at) < pruneEvery {
		return hurry, false
	}
	m.queued = true
	return hurry, true
}

// prune removes what is beyond the limits, unless another process does so now
// or, without hurry, did within the last second.
func (s *Store) prune(hurry bool) error {
	stamp, err := s.create(filepath.Join(s.dir, stampFile), os.O_RDWR)
	if err == nil {
		defer stamp.Close()
		if !s.mayPrune(stamp, hurry) {
			return nil
		}
	}
	// Without a stamp it is done all the same: there may be no room for one.
	return errors.Join(err, s.pruneRecords(), s.pruneStatuses())
}

func (s *Store) mayPrune(stamp *os.File, hurry bool) bool {
	if err := lock(stamp, unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return false
	}
	st, err := stamp.Stat()
	if err != nil {
		return true
	}
	age := time.Since(st.ModTime())
	if !hurry && age >= 0 && age < pruneEvery {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(stamp.Name(), now, now) // an error: others may prune again
	return true
}

// attempt is the file of a record, to the pruner.
type attempt struct {
	path    string
	started time.Time
	bytes   int64 // allocated
}

func (s *Store) pruneRecords() error {
	attempts, bytes, err := s.attempts()
	if err != nil {
		return err
	}
	count := len(attempts)
	var failed error
	for _, a := range attempts {
		if count <= s.limits.MaxCount && bytes <= s.limits.MaxBytes && time.Since(a.started) <= s.limits.MaxAge {
			break
		}
		removed, err := removeUnlocked(a.path)
		failed = errors.Join(failed, err)
		if removed {
			count, bytes = count-1, bytes-a.bytes
		}
	}
	return failed
}

// attempts returns the files of all records, the oldest in front, and what they
// take.
func (s *Store) attempts() (attempts []attempt, bytes int64, err error) {
	files, err := readDir(filepath.Join(s.dir, recordsDir))
	if err != nil {
		return nil, 0, err
	}
	for _, f := range files {
		started, ok := parseName(f.Name())
		if !ok || !f.Type().IsRegular() {
			continue
		}
		a := attempt{path: s.recordPath(f.Name()), started: started}
		var st unix.Stat_t
		if unix.Lstat(a.path, &st) != nil {
			continue // removed meanwhile
		}
		a.bytes = st.Blocks * 512
		attempts, bytes = append(attempts, a), bytes+a.bytes
	}
	return attempts, bytes, nil
}

// removeUnlocked removes a record whose attempt has ended, and tells whether it
// is gone.
func removeUnlocked(path string) (bool, error) {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist), ignore(err, fs.ErrNotExist)
	}
	defer f.Close()
	if err := lock(f, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return false, ignore(err, unix.EWOULDBLOCK)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, nil
}

// ignore returns err unless it is one that is expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
