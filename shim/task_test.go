package shim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"bookend.dev/bookend/hooks"
)

// world stands in for the runtime, the hooks and the clients of one task.
type world struct {
	t     *testing.T
	task  *task
	begun time.Time

	mu    sync.Mutex
	trace []string
	hook  func(ctx context.Context, h *hooks.Hook) hooks.Result
	kill  func(ctx context.Context, d delivery) error
	alive func() hooks.Liveness

	statuses []taskStatus // the task's goroutine's
}

// note adds a line that says what happened and after how many seconds.
func (w *world) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, time.Since(w.begun).String()+" "+what)
}

func (w *world) wantTrace(want ...string) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.trace, want) {
		w.t.Errorf("trace\n got %q\nwant %q", w.trace, want)
	}
}

// becomes replaces the runtime's kill of a task that may be calling it.
func (w *world) becomes(kill func(context.Context, delivery) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kill = kill
}

// traced returns the lines of the trace that tell of any of these.
func (w *world) traced(what ...string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []string
	for _, line := range w.trace {
		if slices.Contains(what, strings.Fields(line)[1]) {
			found = append(found, line)
		}
	}
	return found
}

// wantSet is wantTrace for what goroutines of their own do at the same moment.
func (w *world) wantSet(want ...string) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	slices.Sort(w.trace)
	w.mu.Unlock()
	slices.Sort(want)
	w.wantTrace(want...)
}

func newWorld(t *testing.T, lc *hooks.Lifecycle) *world {
	w := &world{t: t, begun: time.Now()}
	w.hook = func(ctx context.Context, h *hooks.Hook) hooks.Result {
		return hooks.Run(ctx, h, h.Sleep, func() hooks.Liveness { return hooks.Alive }, nil)
	}
	w.kill = func(context.Context, delivery) error { return nil }
	w.alive = func() hooks.Liveness { return hooks.Alive }
	w.task = newTask(t.Context(), "c", lc, false, effects{
		runHook: func(ctx context.Context, a runHook) hooks.Result {
			w.note("run " + string(a.hook.Point) + a.traceparent)
			return w.hook(ctx, a.hook)
		},
		signal: func(ctx context.Context, d delivery) (bool, error) {
			w.note("signal " + d.signal.String())
			w.mu.Lock()
			kill := w.kill
			w.mu.Unlock()
			err := kill(ctx, d)
			return errors.Is(err, errGone), err
		},
		unsent: func(d delivery, attempt int, err error) {
			w.note(fmt.Sprintf("unsent %s %d: %v", d.signal, attempt, err))
		},
		undelivered: func(d delivery, due time.Time, err error, over <-chan bool) {
			w.note(fmt.Sprintf("undelivered %s since %s: %v", d.signal, due.Sub(w.begun), err))
			delivered, ok := <-over
			w.note(fmt.Sprintf("end delivered=%t told=%t", delivered, ok))
		},
		unheeded:   func(s syscall.Signal) { w.note("unheeded " + s.String()) },
		alive:      func() hooks.Liveness { w.note("look"); return w.alive() },
		release:    func(bool) { w.note("release") },
		report:     func(r hooks.Result) { w.note("report " + string(r.Point) + " " + string(r.Outcome)) },
		postStatus: func(st taskStatus) { w.statuses = append(w.statuses, st) },
	})
	t.Cleanup(w.task.end)
	return w
}

// errGone is what a signal finds that has no process to go to.
var errGone = errors.New("gone")

// advance moves the bubble's clock.
func advance(d time.Duration) { <-time.After(d) }

// start is a Start call: it returns a channel with its reply.
func (w *world) start(timeout time.Duration) <-chan error {
	reply := make(chan error, 1)
	req := startRequested{at: time.Now()}
	if timeout > 0 {
		req.deadline = req.at.Add(timeout)
	}
	if a := w.task.askStart(req, reply); a.kind != withhold {
		w.t.Fatalf("the first Start was answered with %v", a.kind)
	}
	w.task.tell(startReturned{})
	return reply
}

func sleeping(p hooks.Point, d time.Duration) *hooks.Hook {
	return &hooks.Hook{Point: p, Sleep: &hooks.Sleep{Duration: d}, FailurePolicy: hooks.Kill}
}

func sleepers(post, pre time.Duration) *hooks.Lifecycle {
	return lifecycleOf(func(l *hooks.Lifecycle) {
		l.PostStart, l.PreStop = sleeping(hooks.PostStart, post), sleeping(hooks.PreStop, pre)
	})
}

func TestStartWaitsForExactlyAsLongAsPostStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(7*time.Second, 0))
		if err := <-w.start(0); err != nil {
			t.Error(err)
		}
		w.wantTrace("0s run postStart", "7s report postStart Succeeded", "7s release")
	})
}

func TestKillIsAnsweredBeforePreStopEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, 9*time.Second))
		if err := <-w.start(0); err != nil {
			t.Fatal(err)
		}
		if a := w.task.ask(stopRequested{sigterm}); a.kind != absorb {
			t.Fatalf("a stop signal was answered with %v", a.kind)
		}
		w.wantTrace("0s run postStart", "0s report postStart Succeeded", "0s release", "0s run preStop")
		advance(9 * time.Second)
		w.wantTrace("0s run postStart", "0s report postStart Succeeded", "0s release", "0s run preStop",
			"9s report preStop Succeeded", "9s signal terminated")
		if a := w.task.ask(stopRequested{sigterm}); a.kind != pass {
			t.Errorf("a signal after the delivery was answered with %v", a.kind)
		}
		advance(30 * time.Second)
		synctest.Wait()
		if a := w.task.ask(stopRequested{sigterm}); a.kind != absorb {
			t.Errorf("one grace period later a stop signal was answered with %v, want a new stop", a.kind)
		}
	})
}

func TestPreStopIsCutByTheGracePeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lc := sleepers(0, time.Hour)
		grace := 3 * time.Second // half of it is less than the two seconds' reserve
		lc.GracePeriod = &grace
		w := newWorld(t, lc)
		if err := <-w.start(0); err != nil {
			t.Fatal(err)
		}
		w.task.ask(stopRequested{sigterm})
		advance(2 * time.Second)
		w.wantTrace("0s run postStart", "0s report postStart Succeeded", "0s release", "0s run preStop",
			"1.5s report preStop TimedOut", "1.5s signal terminated")
	})
}

func TestAFailedPostStartEndsInSIGKILL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, 2*time.Second))
		w.hook = func(ctx context.Context, h *hooks.Hook) hooks.Result {
			if h.Point == hooks.PostStart {
				return postFailed
			}
			return hooks.Run(ctx, h, h.Sleep, func() hooks.Liveness { return hooks.Alive }, nil)
		}
		w.kill = func(_ context.Context, d delivery) error {
			if d.signal == syscall.SIGKILL {
				w.task.tell(initExited{})
			}
			return nil
		}
		err := <-w.start(0)
		if !errors.Is(err, errPostStartFailed) {
			t.Errorf("Start: got %v, want %v", err, errPostStartFailed)
		}
		w.wantTrace("0s run postStart", "0s report postStart Failed", "0s run preStop",
			"2s report preStop Succeeded", "2s signal terminated", "32s signal killed", "32s release")
	})
}

func TestTheStopAfterAFailureIsCutBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, time.Hour))
		w.hook = func(ctx context.Context, h *hooks.Hook) hooks.Result {
			if h.Point == hooks.PostStart {
				return postFailed
			}
			return hooks.Run(ctx, h, h.Sleep, func() hooks.Liveness { return hooks.Alive }, nil)
		}
		w.kill = func(context.Context, delivery) error { w.task.tell(initExited{}); return nil }
		if err := <-w.start(20 * time.Second); !errors.Is(err, errPostStartFailed) {
			t.Errorf("Start: got %v, want %v", err, errPostStartFailed)
		}
		if took := time.Since(w.begun); took != 15*time.Second {
			t.Errorf("Start took %s, want 15s", took)
		}
	})
}

func TestTheDeadlineOfStartEndsItASecondEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(time.Hour, time.Hour))
		w.kill = func(context.Context, delivery) error { w.task.tell(initExited{}); return nil }
		if err := <-w.start(20 * time.Second); !errors.Is(err, errStartDeadline) {
			t.Errorf("Start: got %v, want %v", err, errStartDeadline)
		}
		w.wantSet("0s run postStart", "19s signal killed", "19s release", "19s report postStart Cancelled")
	})
}

func TestAnInitThatTakesItsHookAlongIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, 0))
		w.hook = func(context.Context, *hooks.Hook) hooks.Result { return postSuspect }
		reply := w.start(0)
		synctest.Wait()
		w.task.tell(initExited{})
		if err := <-reply; err != nil {
			t.Errorf("Start: %v, want success: the client is to learn the exit code", err)
		}
		w.wantTrace("0s run postStart", "0s report postStart Cancelled", "0s release")
	})
}

func TestASuspectFailureCountsAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lc := sleepers(0, 0)
		lc.PreStop = nil
		w := newWorld(t, lc)
		w.hook = func(context.Context, *hooks.Hook) hooks.Result { return postSuspect }
		w.kill = func(context.Context, delivery) error { w.task.tell(initExited{}); return nil }
		if err := <-w.start(0); !errors.Is(err, errPostStartFailed) {
			t.Errorf("Start: got %v, want %v", err, errPostStartFailed)
		}
		w.wantTrace("0s run postStart", "1s look", "1s report postStart Failed", "1s signal terminated", "1s release")
	})
}

func TestAPanicOfAHookIsItsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, 0))
		w.hook = func(context.Context, *hooks.Hook) hooks.Result { panic("boom") }
		w.kill = func(context.Context, delivery) error { w.task.tell(initExited{}); return nil }
		err := <-w.start(0)
		var failed *postStartError
		if !errors.As(err, &failed) || failed.result.Cause != hooks.CauseInternal {
			t.Errorf("Start: got %v, want a failed postStart with an internal error", err)
		}
	})
}

func TestABrokenTaskPassesEverythingThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, time.Hour))
		if err := <-w.start(0); err != nil {
			t.Fatal(err)
		}
		w.task.ask(stopRequested{sigterm})
		synctest.Wait()
		// No machine knows this step: the init's hook is not postStart's.
		w.task.tell(hookEnded{postSuspect})
		w.task.tell(hookEnded{postSuspect})
		<-w.task.done
		if a := w.task.ask(stopRequested{sigterm}); a.kind != pass {
			t.Errorf("a broken task answered %v, want pass", a.kind)
		}
		w.wantSet("0s run postStart", "0s report postStart Succeeded", "0s release", "0s run preStop",
			"0s signal terminated", "0s release", "0s report preStop Cancelled")
	})
}

func TestAStartThatIsWithheldSurvivesABreakDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(time.Hour, 0))
		reply := w.start(0)
		synctest.Wait()
		w.task.tell(hookEnded{postSuspect})
		w.task.tell(hookEnded{postSuspect})
		if err := <-reply; err != nil {
			t.Errorf("Start: %v, want the runtime's own success", err)
		}
	})
}

func TestADeletedContainerLeavesNoStartWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(time.Hour, 0))
		reply := w.start(0)
		synctest.Wait()
		w.task.end()
		if err := <-reply; err != nil {
			t.Errorf("Start: %v", err)
		}
		w.wantSet("0s run postStart", "0s release", "0s report postStart Cancelled")
	})
}

func TestAFailedPostStartsPreStopIsBoundedWithoutAGracePeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, 24*time.Hour))
		w.hook = func(ctx context.Context, h *hooks.Hook) hooks.Result {
			if h.Point == hooks.PostStart {
				return postFailed
			}
			return hooks.Run(ctx, h, h.Sleep, func() hooks.Liveness { return hooks.Alive }, nil)
		}
		w.kill = func(context.Context, delivery) error { w.task.tell(initExited{}); return nil }
		if err := <-w.start(0); !errors.Is(err, errPostStartFailed) {
			t.Errorf("Start: got %v, want %v", err, errPostStartFailed)
		}
		w.wantTrace("0s run postStart", "0s report postStart Failed", "0s run preStop",
			"28s report preStop TimedOut", "28s signal terminated", "28s release")
	})
}
