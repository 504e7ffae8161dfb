package record

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// tmpfs returns a directory like the one that records are in by default.
func tmpfs(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=700"); err != nil {
		b.Skipf("mount a tmpfs: %v", err)
	}
	b.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			b.Error(errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH)))
		}
	})
	return filepath.Join(dir, "bookend")
}

// BenchmarkBegin is what an attempt waits for before it begins.
func BenchmarkBegin(b *testing.B) {
	s := Open(tmpfs(b), Limits{})
	for b.Loop() {
		e := s.Begin(example("c", 1))
		b.StopTimer()
		e.End(End{Outcome: hooks.Succeeded})
		s.flush()
		b.StartTimer()
	}
}

// BenchmarkBeginEnd is all that a record costs its hook, pruning beside it.
func BenchmarkBeginEnd(b *testing.B) {
	s := Open(tmpfs(b), Limits{})
	for b.Loop() {
		s.Begin(example("c", 1)).End(End{Outcome: hooks.Succeeded})
	}
	s.flush()
}

func fill(b *testing.B) *Store {
	b.Helper()
	s := Open(tmpfs(b), Limits{})
	for i := range 2000 {
		r := example(fmt.Sprintf("c%d", i/8), 1)
		r.Started = r.Started.Add(-time.Duration(i) * time.Second)
		e := s.Begin(r)
		e.End(End{Outcome: hooks.Succeeded, Stdout: make([]byte, 10<<10)})
	}
	s.flush()
	return s
}

// BenchmarkList reads 2000 records.
func BenchmarkList(b *testing.B) {
	s := fill(b)
	for b.Loop() {
		if _, _, err := s.List(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAbandon is what the clean-up after a dead shim does with 2000 records
// of other containers.
func BenchmarkAbandon(b *testing.B) {
	s := fill(b)
	for b.Loop() {
		if err := s.abandon("n", []string{"dead"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPoll looks at 2000 records of which none has changed.
func BenchmarkPoll(b *testing.B) {
	f := fill(b).Follow()
	for b.Loop() {
		if _, _, err := f.Poll(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPrune looks at 2000 records of which none is to go.
func BenchmarkPrune(b *testing.B) {
	s := fill(b)
	for b.Loop() {
		if err := s.prune(true); err != nil {
			b.Fatal(err)
		}
	}
}
