package record

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
)

// put writes records that ended, one a minute, the last now.
func put(t *testing.T, s *Store, n int, output int) {
	t.Helper()
	for i := range n {
		r := example(fmt.Sprintf("c%03d", i), 1)
		r.Started = time.Now().Add(-time.Duration(n-i-1) * time.Minute)
		e := s.Begin(r)
		s.do(0, 0, func() error {
			return e.end([]End{{Outcome: hooks.Succeeded, Stdout: bytes.Repeat([]byte("x"), output)}})
		})
	}
	s.flush()
}

func containers(records []Record) (names []string) {
	for _, r := range records {
		names = append(names, r.Container)
	}
	return names
}

func TestPruneKeepsTheLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		limits Limits
		output int
		want   int
	}{
		"none":  {Limits{}, 0, 20},
		"count": {Limits{MaxCount: 5}, 0, 5},
		"age":   {Limits{MaxAge: 3*time.Minute + time.Second*30}, 0, 4},
		"bytes": {Limits{MaxBytes: 100 << 10}, 10 << 10, 6}, // 16 KiB each, base64 and whole pages
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, tt.limits)
			put(t, s, 20, tt.output)
			if err := s.prune(true); err != nil {
				t.Fatal(err)
			}
			got := containers(list(t, s))
			if len(got) != tt.want || got[len(got)-1] != "c019" {
				t.Errorf("left %q, want the last %d", got, tt.want)
			}
		})
	}
}

func TestPruneLeavesAttemptsThatRun(t *testing.T) { pruneLeavesOpen(t, example("running", 1)) }

func TestPruneLeavesStopsThatAreUndelivered(t *testing.T) { pruneLeavesOpen(t, undelivered("running")) }

func pruneLeavesOpen(t *testing.T, old Record) {
	t.Helper()
	s := newStore(t, Limits{MaxCount: 1})
	old.Started = time.Now().Add(-365 * 24 * time.Hour)
	e := s.Begin(old)
	put(t, s, 3, 0)
	if err := s.prune(true); err != nil {
		t.Fatal(err)
	}
	if got := containers(list(t, s)); len(got) != 1 || got[0] != "running" {
		t.Errorf("left %q, want the one that runs", got)
	}
	e.End(End{Outcome: hooks.Succeeded})
	s.flush()
	if err := s.prune(true); err != nil {
		t.Fatal(err)
	}
	if got := containers(list(t, s)); len(got) != 0 { // it is older than a week
		t.Errorf("left %q, want none", got)
	}
}

func TestAnAttemptsEndPrunes(t *testing.T) {
	s := newStore(t, Limits{MaxCount: 40})
	for range 200 {
		s.Begin(example("c", 1)).End(End{Outcome: hooks.Succeeded})
	}
	s.flush()
	if got := len(list(t, s)); got > 40+40/8+1 {
		t.Errorf("%d records are left of 200, want at most %d", got, 40+40/8+1)
	}
}

func TestADirectoryIsPrunedOnceASecond(t *testing.T) {
	s := newStore(t, Limits{MaxCount: 1})
	put(t, s, 3, 0)
	stamp := filepath.Join(s.dir, stampFile)
	if err := os.WriteFile(stamp, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other := Open(s.dir, s.limits)
	pruneWith := func(age time.Duration, want int) {
		t.Helper()
		at := time.Now().Add(-age)
		if err := os.Chtimes(stamp, at, at); err != nil {
			t.Fatal(err)
		}
		if err := other.prune(false); err != nil {
			t.Fatal(err)
		}
		if got := len(list(t, s)); got != want {
			t.Errorf("%s after the last: %d records are left, want %d", age, got, want)
		}
	}
	pruneWith(-time.Hour+time.Hour, 3) // just now
	pruneWith(time.Hour, 1)
	if st, err := os.Stat(stamp); err != nil || time.Since(st.ModTime()) > time.Minute {
		t.Errorf("stamp %v, %v; want one of now", st, err)
	}
	put(t, s, 2, 0)
	pruneWith(-time.Hour, 1) // the clock was set back
}

func TestManyMayPruneAtOnce(t *testing.T) {
	s := newStore(t, Limits{MaxCount: 50})
	put(t, s, 300, 0)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			other := Open(s.dir, s.limits)
			if err := other.prune(true); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := containers(list(t, s)); len(got) == 0 || len(got) > 50 || got[len(got)-1] != "c299" {
		t.Errorf("%d are left: %q", len(got), got)
	}
}
