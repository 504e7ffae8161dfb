//go:build linux

package record

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Entry is the record of an attempt or of a stop that is being written.
//
//	Begin ── End ── Amend … Amend
//
// The file is open and locked from Begin to End, so that readers can tell what
// goes on from what ended with its shim. All methods may be called by any
// number of goroutines.
type Entry struct {
	store *Store
	first Record
	name  string

	// What follows belongs to the store's queue.
	file    *os.File  // nil: it could not be made, or has ended
	printed [2]uint64 // hashes of what was written of stdout and stderr

	mu    sync.Mutex
	ended bool
	early []End // amendments that came before the end
}

// Begin writes down that an attempt begins, or that a stop signal could not be
// sent. Of r, Version, ID, Running and End are not looked at, but for the detail.
func (s *Store) Begin(r Record) *Entry {
	r.Version, r.End, r.Started = Version, End{Detail: clip(r.Detail)}, r.Started.UTC()
	e := &Entry{store: s, first: r, name: newName(r.Started, r.Subject)}
	s.do(entrySize+sizeOf(r.End), patience, e.begin)
	return e
}

// entrySize is about what an entry holds in memory, in bytes, without output.
const entrySize = 1 << 10

// End writes down the result. It is called once.
func (e *Entry) End(end End) {
	j, a, size := e.giveEnd(end)
	if !e.store.await(j, a, patience) {
		// Without what was printed; but a file that stays open and locked would
		// say that it goes on.
		end.Stdout, end.Stderr, end.Detail = nil, nil, ""
		e.store.do(0, 0, func() error { return e.end([]End{end}) })
	}
	e.store.pruneSoon(size)
}

// giveEnd gives the queue the end with the amendments that came before it, in
// one step: an amendment that comes now is a job after this one.
func (e *Entry) giveEnd(end End) (j *job, a admission, size int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ends := append([]End{end}, e.early...)
	e.ended, e.early = true, nil
	size = entrySize + sizeOf(ends...)
	j, a = e.store.give(size, func() error { return e.end(ends) })
	return j, a, size
}

// Amend corrects what was or will be given to [Entry.End]: the fields of end
// that are not empty. It waits for nothing.
func (e *Entry) Amend(end End) {
	if e.tooEarly(end) {
		return
	}
	e.store.do(entrySize+sizeOf(end), 0, func() error { return e.amend(end) })
}

// tooEarly keeps an amendment for the end, if that has not come.
func (e *Entry) tooEarly(end End) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.ended {
		e.early = append(e.early, end)
	}
	return !e.ended
}

func sizeOf(ends ...End) int {
	size := 0
	for _, end := range ends {
		size += len(end.Stdout) + len(end.Stderr) + len(end.Detail)
	}
	return size
}

func (e *Entry) begin() error {
	f, err := e.create()
	if err != nil {
		return e.failed("begin", err)
	}
	if err = lock(f, unix.LOCK_EX); err == nil {
		err = appendLine(f, e.first)
	}
	if err != nil {
		f.Close()
		return e.failed("begin", errors.Join(err, os.Remove(f.Name())))
	}
	e.file = f
	return nil
}

// create makes the file. What its container began in the same nanosecond takes
// the next one.
func (e *Entry) create() (*os.File, error) {
	for at := e.first.Started; ; at = at.Add(1) {
		e.name = newName(at, e.first.Subject)
		f, err := e.store.create(e.store.recordPath(e.name), os.O_WRONLY|os.O_APPEND|os.O_EXCL)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// end makes up for a Begin that failed. Where there is no room for all, what
// was printed is left out.
func (e *Entry) end(ends []End) error {
	if e.file == nil {
		if err := e.begin(); err != nil {
			return err
		}
	}
	defer func() { e.file.Close(); e.file = nil }()
	for _, end := range ends {
		if err := e.append(e.file, end); err != nil {
			return err
		}
	}
	return nil
}

func (e *Entry) amend(end End) error {
	path := e.store.recordPath(e.name)
	f, err := e.store.open(path, os.O_WRONLY|os.O_APPEND|unix.O_NOFOLLOW)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // pruned, or never made
	}
	if err != nil {
		return e.failed("amend", err)
	}
	defer f.Close()
	return e.append(f, end)
}

func (e *Entry) append(f *os.File, end End) error {
	end.Detail = clip(end.Detail)
	printed := e.printed
	end.Stdout = e.unwritten(&printed[0], end.Stdout)
	end.Stderr = e.unwritten(&printed[1], end.Stderr)
	err := appendLine(f, end)
	if err == nil {
		e.printed = printed
		return nil
	}
	end.Stdout, end.Stderr = nil, nil
	return e.failed("end", errors.Join(err, appendLine(f, end)))
}

// unwritten is output, unless its hash says that it was written before: late
// output is often none.
func (e *Entry) unwritten(hash *uint64, output []byte) []byte {
	sum := maphash.Bytes(e.store.seed, output)
	if len(output) == 0 || sum == *hash {
		return nil
	}
	*hash = sum
	return output
}

// maxDetail is how much of a detail is kept, in bytes.
const maxDetail = 16 << 10

func clip(detail string) string { return detail[:min(len(detail), maxDetail)] }

func (e *Entry) failed(what string, err error) error {
	return fmt.Errorf("%s the record of %s of container %s: %w", what, e.first.what(), e.first.Container, err)
}
