package record

import (
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bookend.dev/bookend/hooks"
)

func TestAFileSystemThatHangsCostsABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Open(t.TempDir(), Limits{})
		var mu sync.Mutex
		hung := 0
		s.Log = func(err error) {
			if !errors.Is(err, ErrHangs) {
				t.Errorf("told %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			hung++
		}
		answer := make(chan struct{})
		s.open = func(path string, flags int) (*os.File, error) {
			<-answer
			return openFile(path, flags)
		}
		began := time.Now()
		e := s.Begin(example("first", 1))
		if took := time.Since(began); took != patience {
			t.Errorf("the first Begin took %s, want %s", took, patience)
		}
		began = time.Now()
		var entries []*Entry
		for range 500 {
			entries = append(entries, s.Begin(example("other", 1)))
		}
		e.End(End{Outcome: hooks.Failed})
		for _, other := range entries {
			other.Amend(End{Stdout: []byte("late")})
			other.End(End{Outcome: hooks.Succeeded})
		}
		s.Post(Status{Subject: Subject{Namespace: "n", Container: "c"}})
		s.Remove(Subject{Namespace: "n", Container: "c"})
		if took := time.Since(began); took != 0 {
			t.Errorf("while it hung everything else took %s, want 0", took)
		}
		if hung != 1 {
			t.Errorf("told %d times, want once", hung)
		}
		close(answer)
		s.flush()
		records := list(t, s)
		if len(records) != 501 {
			t.Errorf("%d records after it hung, want 501", len(records))
		}
		for _, r := range records {
			if r.Running || r.Container == "first" && r.Outcome != hooks.Failed || r.Container == "other" && r.Outcome != hooks.Succeeded {
				t.Errorf("got %+v", r)
			}
		}
		synctest.Wait()
	})
}

func TestWhatWaitsForAHungFileSystemIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Open(t.TempDir(), Limits{})
		dropped := 0
		s.Log = func(err error) {
			if errors.Is(err, ErrBacklog) {
				dropped++
			}
		}
		answer := make(chan struct{})
		s.open = func(path string, flags int) (*os.File, error) {
			<-answer
			return openFile(path, flags)
		}
		output := make([]byte, 64<<10)
		for range 2 * maxWaiting / len(output) {
			s.Begin(example("c", 1)).End(End{Outcome: hooks.Failed, Stdout: output})
		}
		if s.queue.size > maxWaiting {
			t.Errorf("%d bytes wait, want at most %d", s.queue.size, maxWaiting)
		}
		if dropped == 0 {
			t.Error("nothing was dropped")
		}
		close(answer)
		s.flush()
		s.Begin(example("after", 1)).End(End{Outcome: hooks.Succeeded})
		s.flush()
		records, _, err := s.List()
		if err != nil || !slices.ContainsFunc(records, func(r Record) bool { return r.Container == "after" }) {
			t.Errorf("%d records, %v; want one of after", len(records), err)
		}
		// What was dropped is output, and not that an attempt has ended.
		for _, r := range records {
			if r.Running || r.Outcome == hooks.Unknown {
				t.Fatalf("got %s of attempt %s, running: %v", r.Outcome, r.ID, r.Running)
			}
		}
		if s.pruned.queued {
			t.Error("it waits for a pruning that was dropped")
		}
	})
}

func TestAPanicIsLogged(t *testing.T) {
	s := Open(t.TempDir(), Limits{})
	told := make(chan error, 1)
	s.Log = func(err error) { told <- err }
	s.do(0, 0, func() error { panic("broken") })
	if err := <-told; err == nil {
		t.Error("no error")
	}
	s.flush() // its queue works on
}
