//go:build linux

package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// FollowOf returns a follower of the records of the containers that take
// chooses. Of every other record it reads the first line, once.
func (s *Store) FollowOf(take func(Subject) bool) *Follower {
	f := s.Follow()
	f.take = take
	return f
}

// pending is a record that is new or may have changed.
type pending struct {
	name string
	size int64
}

// Changes is [Follower.Poll] for readers with little memory: it holds one record
// at a time, which it gives to each. Where the files that have changed take more
// than maxBytes together, it leaves the oldest out, until they change again, and
// says how many. It ends at the first error of each.
func (f *Follower) Changes(maxBytes int64, each func(Record) error) (omitted int, skipped []error, err error) {
	changed, err := f.pending()
	if err != nil {
		return 0, nil, err
	}
	omitted = beyond(changed, maxBytes)
	for _, p := range changed[:omitted] {
		f.seen[p.name] = glance{size: p.size}
	}
	for _, p := range changed[omitted:] {
		r, seen, err := f.look(p.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // pruned meanwhile
		}
		before, known := f.seen[p.name]
		// The first line may have been written only now.
		seen.other = err == nil && r.Version > 0 && f.take != nil && !f.take(r.Subject)
		f.seen[p.name] = seen
		switch {
		case known && before == seen, seen.other, errors.Is(err, errEmpty):
		case err != nil:
			skipped = append(skipped, fmt.Errorf("%s: %w", f.store.recordPath(p.name), err))
		default:
			if err := each(r); err != nil {
				return omitted, skipped, err
			}
		}
	}
	return omitted, skipped, nil
}

// pending returns the records that are taken and may have changed, the oldest in
// front, and forgets what is gone.
func (f *Follower) pending() ([]pending, error) {
	files, err := readDir(filepath.Join(f.store.dir, recordsDir))
	if err != nil {
		return nil, err
	}
	var changed []pending
	there := make(map[string]glance, len(files))
	for _, file := range files {
		name := file.Name()
		if _, _, ok := parseName(name); !ok {
			continue
		}
		seen, known := f.seen[name]
		if !known {
			seen.other = f.isOther(name)
		}
		if known || seen.other {
			there[name] = seen
		}
		if seen.other {
			continue
		}
		st, err := os.Lstat(f.store.recordPath(name))
		if err == nil && (seen.open || st.Size() != seen.size || !known) {
			changed = append(changed, pending{name, st.Size()})
		}
	}
	f.seen = there
	return changed, nil
}

// isOther tells whether a record says of itself that it is about a container
// that is not taken. One that is about to be written says nothing yet.
func (f *Follower) isOther(name string) bool {
	if f.take == nil {
		return false
	}
	of, err := readSubject(f.store.recordPath(name))
	return err == nil && !f.take(of)
}

// beyond is how many of the oldest are to be left out for the others to fit.
func beyond(changed []pending, maxBytes int64) int {
	var size int64
	for i := len(changed) - 1; i >= 0; i-- {
		if size += changed[i].size; size > maxBytes {
			return i + 1
		}
	}
	return 0
}
