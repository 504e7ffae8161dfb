//go:build linux

package record

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// file is that of a record, to the pruning.
type file struct {
	path        string
	started     time.Time
	bytes       int64  // allocated
	container   string // its hash
	first, last bool   // of its container
	tried       bool   // to remove it
}

// removal chooses among the records of a directory and removes them: those of a
// container between its first and its last go before any of these two.
type removal struct {
	limits Limits
	files  []*file // in the order in which they are to go
	whole  use
	shares map[string]*use // by the hash of the container
}

// use is what records take.
type use struct {
	count int
	bytes int64
}

func (u *use) add(count int, bytes int64) { u.count, u.bytes = u.count+count, u.bytes+bytes }

func (u *use) exceeds(count int, bytes int64) bool { return u.count > count || u.bytes > bytes }

// pruneRecords removes what is beyond the limits: first what is too old or
// beyond its container's share, so that no other has to give way to that.
func (s *Store) pruneRecords() error {
	files, err := s.files()
	if err != nil {
		return err
	}
	r := newRemoval(s.limits, files)
	return errors.Join(r.remove(r.exceedsOwn), r.remove(r.exceedsAll))
}

// files returns the files of all records, the oldest in front.
func (s *Store) files() ([]*file, error) {
	entries, err := readDir(filepath.Join(s.dir, recordsDir))
	if err != nil {
		return nil, err
	}
	files := make([]*file, 0, len(entries))
	for _, entry := range entries {
		started, container, ok := parseName(entry.Name())
		if !ok || !entry.Type().IsRegular() {
			continue
		}
		f := &file{path: s.recordPath(entry.Name()), started: started, container: container}
		var st unix.Stat_t
		if unix.Lstat(f.path, &st) != nil {
			continue // removed meanwhile
		}
		f.bytes = st.Blocks * 512
		files = append(files, f)
	}
	return files, nil
}

// newRemoval takes files in the order of their start.
func newRemoval(limits Limits, files []*file) *removal {
	r := &removal{limits: limits, files: files, shares: map[string]*use{}}
	latest := map[string]*file{}
	for _, f := range files {
		share := r.shares[f.container]
		if share == nil {
			share = &use{}
			r.shares[f.container] = share
			f.first = true
		}
		share.add(1, f.bytes)
		r.whole.add(1, f.bytes)
		latest[f.container] = f
	}
	for _, f := range latest {
		f.last = true
	}
	slices.SortStableFunc(r.files, func(a, b *file) int { return cmp.Compare(a.rank(), b.rank()) })
	return r
}

// rank is lower for what is to go before others.
func (f *file) rank() int {
	if f.first || f.last {
		return 1
	}
	return 0
}

// exceedsOwn tells whether a record must go whatever others take.
func (r *removal) exceedsOwn(f *file) bool {
	return time.Since(f.started) > r.limits.MaxAge ||
		!f.last && r.shares[f.container].exceeds(r.limits.MaxCountPerContainer, r.limits.MaxBytesPerContainer)
}

// exceedsAll tells whether a record must go because of what all take.
func (r *removal) exceedsAll(*file) bool {
	return r.whole.exceeds(r.limits.MaxCount, r.limits.MaxBytes)
}

// remove removes what is due and not open.
func (r *removal) remove(due func(*file) bool) error {
	var failed error
	for _, f := range r.files {
		if f.tried || !due(f) {
			continue
		}
		f.tried = true
		removed, err := removeUnlocked(f.path)
		failed = errors.Join(failed, err)
		if removed {
			r.whole.add(-1, -f.bytes)
			r.shares[f.container].add(-1, -f.bytes)
		}
	}
	return failed
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
