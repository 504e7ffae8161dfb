package hookfeed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// node is a directory of records, and a feed that follows it.
type node struct {
	t      *testing.T
	dir    string
	cursor string
	store  *record.Store
	feed   *Feed
	begun  time.Time
}

func newNode(t *testing.T) *node {
	n := &node{t: t, dir: filepath.Join(t.TempDir(), "bookend"), cursor: filepath.Join(t.TempDir(), "state", "cursor.json"), begun: time.Now()}
	n.store = record.Open(n.dir, record.Limits{})
	n.store.Log = func(err error) { t.Error(err) }
	t.Cleanup(n.written)
	n.restart()
	return n
}

// written waits until everything that was given to the store is written.
func (n *node) written() { n.store.Remove(record.Subject{}) }

// restart opens the feed anew.
func (n *node) restart() {
	n.t.Helper()
	var err error
	if n.feed, err = Open(Options{Directory: n.dir, Cursor: n.cursor, Log: func(err error) { n.t.Error(err) }}); err != nil {
		n.t.Fatal(err)
	}
}

// begin begins an attempt of a hook of container c.
func (n *node) begin(p hooks.Point, attempt int, after time.Duration) *record.Entry {
	return n.store.Begin(record.Record{
		Subject: record.Subject{Namespace: "k8s.io", Container: "c"}, Hook: p, Handler: hooks.HandlerExec,
		Attempt: attempt, Started: n.begun.Add(after),
	})
}

// facts are what is due after that time: "kind hook attempt run", with what is told
// of Dropped in its place.
func (n *node) facts(after time.Duration) []string {
	n.t.Helper()
	n.written()
	if err := n.feed.poll(); err != nil {
		n.t.Fatal(err)
	}
	var told []string
	for {
		f, ok := n.feed.next(n.begun.Add(after))
		if !ok {
			return told
		}
		n.feed.told(f)
		if err := n.feed.cursor.write(n.cursor); err != nil {
			n.t.Fatal(err)
		}
		line := fmt.Sprintf("%s %s %d %s", f.Kind, f.Hook, f.Attempt, f.Run)
		if f.Kind == Dropped {
			line = fmt.Sprintf("%s %d", f.Kind, f.Count)
		}
		told = append(told, line)
	}
}

func (n *node) want(after time.Duration, want ...string) {
	n.t.Helper()
	if got := n.facts(after); !slices.Equal(got, want) {
		n.t.Errorf("after %s: got %q, want %q", after, got, want)
	}
}

func failed(seconds float64) record.End {
	code := 1
	return record.End{Outcome: hooks.Failed, Cause: hooks.CauseExitCode, ExitCode: &code, DurationSeconds: seconds, Stdout: []byte("secret"), Detail: "secret"}
}

func TestAnAttemptIsToldWhenItBeginsAndEnds(t *testing.T) {
	n := newNode(t)
	e := n.begin(hooks.PreStop, 1, 0)
	n.want(0, "began preStop 1 ")
	n.want(time.Hour)
	e.End(record.End{Outcome: hooks.Succeeded, Run: hooks.Succeeded})
	n.want(0, "ended preStop 1 Succeeded")
	e.Amend(record.End{Stdout: []byte("late")})
	n.want(time.Hour)
}

func TestSeveralAttemptsAreOneRun(t *testing.T) {
	n := newNode(t)
	first := n.begin(hooks.PreStop, 1, 0)
	first.End(failed(1))
	n.want(2*time.Second, "began preStop 1 ") // another may follow
	second := n.begin(hooks.PreStop, 2, 2*time.Second)
	n.want(2*time.Second, "ended preStop 1 ", "began preStop 2 ")
	second.End(failed(1))
	n.want(4 * time.Second) // the end of the container may explain it
	second.Amend(record.End{Run: hooks.Failed})
	n.want(4*time.Second, "ended preStop 2 Failed")
}

func TestTheEndOfARunKnowsItsBeginning(t *testing.T) {
	n := newNode(t)
	n.begin(hooks.PreStop, 1, 0).End(failed(1))
	n.facts(0)
	n.restart()
	n.begin(hooks.PreStop, 2, 3*time.Second).End(record.End{Outcome: hooks.Succeeded, Run: hooks.Succeeded, DurationSeconds: 1, Stdout: []byte("secret"), Detail: "secret"})
	n.written()
	if err := n.feed.poll(); err != nil {
		t.Fatal(err)
	}
	for {
		f, ok := n.feed.next(n.begun)
		if !ok {
			t.Fatal("the end of the run is not told")
		}
		n.feed.told(f)
		if !f.Last() {
			continue
		}
		if took := f.Finished().Sub(f.RunStarted).Round(time.Millisecond); took != 4*time.Second {
			t.Errorf("the run took %s", took)
		}
		if f.Stdout != nil || f.Stderr != nil || f.Detail != "" {
			t.Errorf("the fact has what the hook wrote: %+v", f)
		}
		return
	}
}

func TestAFailureThatTheEndOfTheContainerExplainsIsNone(t *testing.T) {
	n := newNode(t)
	e := n.begin(hooks.PreStop, 1, 0)
	e.End(failed(1))
	n.want(30*time.Second, "began preStop 1 ")
	e.Amend(record.End{Outcome: hooks.Cancelled, Cause: hooks.CauseCancelled, Run: hooks.Cancelled})
	n.want(30*time.Second, "ended preStop 1 Cancelled")
}

func TestWhatTheRecordDoesNotSayIsSettledInTheEnd(t *testing.T) {
	t.Run("by time", func(t *testing.T) {
		n := newNode(t)
		n.begin(hooks.PreStop, 1, 0).End(failed(2))
		n.want(46*time.Second, "began preStop 1 ")
		n.want(47*time.Second, "ended preStop 1 Failed")
	})
	t.Run("by another run", func(t *testing.T) {
		n := newNode(t)
		n.begin(hooks.PreStop, 1, 0).End(failed(2))
		n.begin(hooks.PreStop, 1, 3*time.Second)
		n.want(3*time.Second, "began preStop 1 ", "ended preStop 1 Failed", "began preStop 1 ")
	})
	t.Run("not by another hook", func(t *testing.T) {
		n := newNode(t)
		n.begin(hooks.PostStart, 1, 0).End(failed(2))
		n.begin(hooks.PreStop, 2, 3*time.Second)
		n.want(3*time.Second, "began postStart 1 ", "dropped 1", "began preStop 2 ")
	})
}

func TestASlowPostStartIsToldOnce(t *testing.T) {
	n := newNode(t)
	e := n.begin(hooks.PostStart, 1, 0)
	n.want(10*time.Second, "began postStart 1 ")
	n.want(11*time.Second, "slow postStart 1 ")
	n.restart()
	n.want(12 * time.Second)
	e.End(record.End{Outcome: hooks.TimedOut, DurationSeconds: 100})
	n.want(101*time.Second, "ended postStart 1 TimedOut")
	n.begin(hooks.PostStart, 1, 200*time.Second).End(record.End{Outcome: hooks.Succeeded, DurationSeconds: 11})
	n.want(201*time.Second, "began postStart 1 ", "slow postStart 1 ", "ended postStart 1 Succeeded")
	n.begin(hooks.PostStart, 1, 300*time.Second).End(record.End{Outcome: hooks.Succeeded, DurationSeconds: 10})
	n.begin(hooks.PreStop, 1, 400*time.Second).End(record.End{Outcome: hooks.Succeeded, DurationSeconds: 11})
	n.want(1000*time.Second, "began postStart 1 ", "ended postStart 1 Succeeded", "began preStop 1 ", "ended preStop 1 Succeeded")
}

func TestAStopThatCouldNotBeSentIsToldOnce(t *testing.T) {
	n := newNode(t)
	e := n.store.Begin(record.Record{Kind: record.Stop, Subject: record.Subject{Namespace: "k8s.io", Container: "c"}, StopSignal: "SIGTERM", Started: n.begun})
	n.want(0, "undelivered  0 ")
	n.restart()
	e.End(record.End{Delivery: record.Delivered})
	n.want(time.Hour)
}

func TestRecordsThatAreGoneAreToldAsDropped(t *testing.T) {
	n := newNode(t)
	gone := func() {
		n.written()
		paths, err := filepath.Glob(filepath.Join(n.feed.follower.Dir(), "*"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("records: %q, %v", paths, err)
		}
		for _, path := range paths {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	n.begin(hooks.PreStop, 1, 0).End(failed(1))
	n.want(0, "began preStop 1 ")
	gone()
	n.restart()
	n.want(0, "dropped 1")
	n.begin(hooks.PreStop, 4, time.Second).End(record.End{Outcome: hooks.Succeeded})
	n.want(0, "dropped 3", "began preStop 4 ", "ended preStop 4 Succeeded")
	gone()
	n.want(0)
	if len(n.feed.cursor.Records)+len(n.feed.cursor.Runs)+len(n.feed.pending) > 0 {
		t.Errorf("the feed keeps %+v", n.feed.cursor)
	}
}

func TestAFeedWithoutACursorLooksBackForAnHour(t *testing.T) {
	n := newNode(t)
	n.begin(hooks.PreStop, 1, -FirstLook-time.Minute).End(record.End{Outcome: hooks.Succeeded})
	n.begin(hooks.PreStop, 1, -FirstLook+time.Minute).End(record.End{Outcome: hooks.Succeeded})
	n.want(0, "began preStop 1 ", "ended preStop 1 Succeeded")
	n.restart()
	n.want(0)
}

// A node without a clock of its own may begin in the future, and is told the time then.
func TestAFeedThatBeganInTheFutureTellsWhatHappensNow(t *testing.T) {
	n := newNode(t)
	n.feed.cursor.Since = n.begun.Add(30 * 24 * time.Hour)
	n.begin(hooks.PreStop, 1, 0).End(record.End{Outcome: hooks.Succeeded})
	n.want(0, "began preStop 1 ", "ended preStop 1 Succeeded")
	if since := n.feed.cursor.Since; since.After(n.begun) || since.Before(n.begun.Add(-FirstLook)) {
		t.Errorf("since %s, begun at %s", since, n.begun)
	}
}

func TestAClockThatIsSetBackDoublesNoRun(t *testing.T) {
	n := newNode(t)
	n.begin(hooks.PreStop, 1, 0).End(failed(1))
	n.want(time.Second, "began preStop 1 ")
	second := n.begin(hooks.PreStop, 2, -30*time.Minute)
	n.want(-30*time.Minute, "began preStop 2 ", "ended preStop 1 ")
	second.End(record.End{Outcome: hooks.Succeeded, Run: hooks.Succeeded})
	n.want(-30*time.Minute, "ended preStop 2 Succeeded")
	n.want(time.Hour)
	if len(n.feed.cursor.Runs) > 0 {
		t.Errorf("runs %+v", n.feed.cursor.Runs)
	}
}

func TestAFailureDoesNotWaitForAClockThatIsSetBack(t *testing.T) {
	n := newNode(t)
	n.begin(hooks.PreStop, 1, 0).End(failed(2))
	n.want(time.Second, "began preStop 1 ") // clocks are also set by a little
	n.want(-time.Hour, "ended preStop 1 Failed")
}

func TestAFeedRemembersWhenItBegan(t *testing.T) {
	n := newNode(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); n.feed.Run(ctx, func(context.Context, Fact) error { return nil }) }()
	for tick := time.NewTicker(time.Millisecond); !n.feed.Ready(); {
		<-tick.C
	}
	cancel()
	<-ended
	since := n.feed.cursor.Since
	n.restart()
	if !n.feed.cursor.Since.Equal(since) {
		t.Errorf("since %s, then since %s", since, n.feed.cursor.Since)
	}
}

func TestACursorThatIsNoneIsReplaced(t *testing.T) {
	n := newNode(t)
	if err := os.MkdirAll(filepath.Dir(n.cursor), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", `{"version":2}`, "[]"} {
		if err := os.WriteFile(n.cursor, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var logged error
		f, err := Open(Options{Directory: n.dir, Cursor: n.cursor, Log: func(err error) { logged = err }})
		if err != nil || !errors.Is(logged, ErrCursor) || f.cursor.Records == nil || f.cursor.Since.Before(n.begun.Add(-FirstLook)) {
			t.Errorf("%q: %v, logged %v, cursor %+v", text, err, logged, f.cursor)
		}
	}
}

func TestATornRecordIsToldWhenItIsWhole(t *testing.T) {
	n := newNode(t)
	n.begin(hooks.PreStop, 1, 0).End(record.End{Outcome: hooks.Succeeded})
	n.written()
	paths, _ := filepath.Glob(filepath.Join(n.feed.follower.Dir(), "*"))
	whole, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	n.feed.Log = func(err error) {
		if !errors.Is(err, record.ErrForeign) {
			t.Error(err)
		}
	}
	end := slices.Index(whole, '\n') + 1
	for size := range whole {
		if err := os.WriteFile(paths[0], whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		switch got := n.facts(0); {
		case size < end && len(got) > 0:
			t.Fatalf("%d bytes of a first line: told %q", size, got)
		case size == end && !slices.Equal(got, []string{"began preStop 1 ", "ended preStop 1 Unknown"}):
			// No one holds its lock.
			t.Fatalf("a first line: told %q", got)
		case size > end && len(got) > 0:
			t.Fatalf("%d bytes: told %q again", size, got)
		}
	}
}

func TestAFeedHoldsNothingOfWhatItHasTold(t *testing.T) {
	n := newNode(t)
	n.begin(hooks.PreStop, 1, 0).End(record.End{Outcome: hooks.Succeeded})
	n.want(0, "began preStop 1 ", "ended preStop 1 Succeeded")
	if held := cap(n.feed.pending); held > 0 {
		t.Errorf("it holds room for %d records", held)
	}
}

func TestRunFollowsARecordThatIsWritten(t *testing.T) {
	n := newNode(t)
	ctx, cancel := context.WithCancel(t.Context())
	facts, end := make(chan Fact), make(chan struct{})
	go func() {
		defer close(end)
		n.feed.Run(ctx, func(_ context.Context, f Fact) error { facts <- f; return nil })
	}()
	// The directory does not exist yet, and is watched from when it does.
	e := n.begin(hooks.PreStop, 1, 0)
	if f := <-facts; f.Kind != Began {
		t.Fatalf("got %+v", f)
	}
	began := time.Now()
	e.End(record.End{Outcome: hooks.Succeeded})
	if f := <-facts; f.Kind != Ended {
		t.Fatalf("got %+v", f)
	}
	if took := time.Since(began); took > busyPoll {
		t.Errorf("the end was told after %s", took)
	}
	if !n.feed.Ready() {
		t.Error("the feed is not ready")
	}
	cancel()
	<-end
}

// The cursor has a line of each record on the node, and goes to a disk.
func TestWhatATakerMakesNothingOfIsNotedTogether(t *testing.T) {
	n := newNode(t)
	for i := range 3 {
		n.begin(hooks.PreStop, 1, time.Duration(i)*time.Second).End(record.End{Outcome: hooks.Succeeded, Run: hooks.Succeeded})
	}
	n.written()
	noted := map[uint64]bool{} // by the inode of the cursor
	look := func() {
		f, err := os.Open(n.cursor)
		if err != nil {
			return
		}
		t.Cleanup(func() { f.Close() }) // until then no other file has its inode
		if st, err := f.Stat(); err == nil {
			noted[st.Sys().(*syscall.Stat_t).Ino] = true
		}
	}
	facts := 0
	if err := n.feed.poll(); err != nil {
		t.Fatal(err)
	}
	n.feed.tell(t.Context(), func(_ context.Context, f Fact) error {
		look()
		if facts++; facts == 4 {
			return nil
		}
		return ErrNothing
	})
	if look(); facts != 6 || len(noted) != 2 {
		t.Errorf("%d facts, noted %d times", facts, len(noted))
	}
	n.restart()
	n.want(time.Hour)
}

func TestAFactThatCannotBeTakenComesAgain(t *testing.T) {
	n := newNode(t)
	n.begin(hooks.PreStop, 1, 0).End(record.End{Outcome: hooks.Succeeded})
	n.written()
	n.feed.Log = func(error) {}
	broken, kinds := errors.New("no"), []Kind{}
	ctx, cancel := context.WithCancel(t.Context())
	n.feed.Run(ctx, func(_ context.Context, f Fact) error {
		kinds = append(kinds, f.Kind)
		switch len(kinds) {
		case 1:
			return broken
		case 3:
			cancel()
			return broken
		}
		return nil
	})
	if !slices.Equal(kinds, []Kind{Began, Began, Ended}) {
		t.Errorf("took %q", kinds)
	}
	n.restart()
	n.want(0, "ended preStop 1 Succeeded")
}
