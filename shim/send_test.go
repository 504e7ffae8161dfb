package shim

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"bookend.dev/bookend/hooks"
)

var errRuntime = errors.New("runc: text file busy")

// until makes a runtime that fails for a while.
func (w *world) until(d time.Duration, then func(delivery) error) func(context.Context, delivery) error {
	return func(_ context.Context, sig delivery) error {
		if time.Since(w.begun) < d {
			return errRuntime
		}
		return then(sig)
	}
}

func (w *world) ends(delivery) error { w.task.tell(initExited{}); return nil }

func (w *world) lives(delivery) error { return nil }

// stopped is a world whose container runs, and is then told to stop.
func stopped(t *testing.T) *world {
	w := newWorld(t, sleepers(0, 0))
	if err := <-w.start(0); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestASignalThatCannotBeSentIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stopped(t)
		w.kill = w.until(500*time.Millisecond, w.lives)
		w.task.ask(stopRequested{sigterm})
		advance(600 * time.Millisecond)
		if a := w.task.ask(stopRequested{sigterm}); a.kind != absorb {
			t.Errorf("a stop signal before the delivery was answered with %v", a.kind)
		}
		advance(20 * time.Second)
		w.wantTrace("0s run postStart", "0s report postStart Succeeded", "0s release", "0s run preStop", "0s report preStop Succeeded",
			"0s signal terminated", "0s unsent terminated 1: runc: text file busy",
			"100ms signal terminated", "100ms unsent terminated 2: runc: text file busy",
			"300ms signal terminated", "300ms unsent terminated 3: runc: text file busy",
			"700ms signal terminated")
		if a := w.task.ask(stopRequested{sigterm}); a.kind != pass {
			t.Errorf("a stop signal after the delivery was answered with %v", a.kind)
		}
	})
}

func TestAStopThatIsUndeliveredIsToldOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		after func(w *world)
		want  string
	}{
		"and then delivered": {func(w *world) { w.becomes(w.until(0, w.lives)); advance(5 * time.Second) }, "end delivered=true told=true"},
		"and the init ends":  {func(w *world) { w.task.tell(initExited{}) }, "end delivered=false told=true"},
		"and it is deleted":  {func(w *world) { w.task.end() }, "end delivered=false told=true"},
		"and bookend breaks": {func(w *world) { w.task.tell(hookEnded{preSuspect}) }, "end delivered=false told=false"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := stopped(t)
				w.kill = w.until(time.Hour, w.lives)
				w.task.ask(stopRequested{sigterm})
				advance(time.Minute)
				synctest.Wait()
				if st := w.statuses[len(w.statuses)-1]; st.phase != delivering || !st.undelivered.Equal(w.begun) {
					t.Errorf("shown: %+v", st)
				}
				tt.after(w)
				synctest.Wait()
				told := w.traced("undelivered", "end")
				if len(told) != 2 || told[0] != "10s undelivered terminated since 0s: runc: text file busy" || !strings.HasSuffix(told[1], tt.want) {
					t.Errorf("told %q, want one and %q", told, tt.want)
				}
				w.becomes(w.until(0, w.ends)) // what is owed to a broken task's init
				advance(time.Minute)
			})
		})
	}
}

func TestARuntimeThatHangsIsEndedAndCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stopped(t)
		w.kill = func(ctx context.Context, _ delivery) error {
			if time.Since(w.begun) < 15*time.Second {
				<-ctx.Done()
				return errRuntime
			}
			return nil
		}
		w.task.ask(stopRequested{sigterm})
		advance(time.Minute)
		synctest.Wait()
		want := []string{"0s signal terminated", "10s unsent terminated 1: the runtime took longer than 10s: runc: text file busy",
			"10.1s signal terminated", "20.1s unsent terminated 2: the runtime took longer than 10s: runc: text file busy", "20.3s signal terminated"}
		if got := w.traced("signal", "unsent"); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestAnExitEndsTheSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stopped(t)
		w.kill = w.until(time.Hour, w.lives)
		w.task.ask(stopRequested{sigterm})
		advance(time.Second)
		w.task.tell(initExited{})
		synctest.Wait()
		before := len(w.traced("signal"))
		advance(time.Minute)
		if after := w.traced("signal"); before == 0 || len(after) != before {
			t.Errorf("sent %d times, and then %q", before, after)
		}
	})
}

func TestAPanicOfTheDeliveryIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stopped(t)
		w.kill = func(context.Context, delivery) error {
			if time.Since(w.begun) < time.Second {
				panic("boom")
			}
			return nil
		}
		w.task.ask(stopRequested{sigterm})
		advance(time.Minute)
		synctest.Wait()
		if st := w.statuses[len(w.statuses)-1]; st.phase != running || len(w.traced("signal")) != 5 {
			t.Errorf("phase %s after %q; want a stop that is over", st.phase, w.traced("signal"))
		}
	})
}

func TestBookendsOwnKillIsRepeatedUntilTheExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, 0))
		w.hook = func(_ context.Context, h *hooks.Hook) hooks.Result {
			if h.Point == hooks.PostStart {
				return postFailed
			}
			return preOK
		}
		w.kill = w.until(time.Minute, w.ends)
		err := <-w.start(0)
		if !errors.Is(err, errPostStartFailed) {
			t.Errorf("Start: got %v, want %v", err, errPostStartFailed)
		}
		took := time.Since(w.begun)
		if took < time.Minute || took > time.Minute+longestPause {
			t.Errorf("Start took %s; the runtime is back after a minute", took)
		}
		synctest.Wait()
		sent := w.traced("signal")
		if last := sent[len(sent)-1]; !strings.Contains(last, "killed") {
			t.Errorf("the last signal: %s", last)
		}
		for _, s := range sent {
			if at, _ := time.ParseDuration(strings.Fields(s)[0]); at > 30*time.Second && strings.Contains(s, "terminated") {
				t.Errorf("%s: the grace period was over", s)
			}
		}
	})
}

func TestAKillThatGotThroughIsRepeatedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(time.Hour, 0))
		if err := <-w.start(20 * time.Second); !errors.Is(err, errKillPending) || errors.Is(err, errStartDeadline) {
			t.Errorf("Start: got %v, want %v", err, errKillPending)
		}
		if took := time.Since(w.begun); took != 19750*time.Millisecond {
			t.Errorf("Start took %s", took)
		}
		w.becomes(w.until(0, w.ends))
		advance(time.Minute)
		synctest.Wait()
		if got, want := w.traced("signal"), []string{"19s signal killed", "24s signal killed"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestADeadlineWithABrokenRuntimeSaysThatTheKillIsPending(t *testing.T) {
	for name, hook := range map[string]func(context.Context, *hooks.Hook) hooks.Result{
		"hangs": func(ctx context.Context, h *hooks.Hook) hooks.Result { <-ctx.Done(); return postCancel },
		"fails": func(_ context.Context, h *hooks.Hook) hooks.Result { return postFailed },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lc := sleepers(0, 0)
				lc.PreStop = nil
				w := newWorld(t, lc)
				w.hook = hook
				w.kill = w.until(time.Hour, w.ends)
				err := <-w.start(20 * time.Second)
				if !errors.Is(err, errKillPending) || strings.Contains(err.Error(), "was killed") {
					t.Errorf("Start: got %v, want %v", err, errKillPending)
				}
				if a := w.task.ask(stopRequested{sigterm}); a.kind != absorb {
					t.Errorf("a stop signal before a SIGKILL got through was answered with %v", a.kind)
				}
			})
		})
	}
}

func TestASecondStartWaitsForTheFirst(t *testing.T) {
	for name, failure := range map[string]error{"which succeeds": nil, "which fails": errRuntime} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sleepers(0, 0))
				first, second := make(chan error, 1), make(chan error, 1)
				if a := w.task.askStart(startRequested{at: time.Now()}, first); a.kind != withhold {
					t.Fatalf("the first Start was answered with %v", a.kind)
				}
				answers := make(chan answerKind, 1)
				go func() { answers <- w.task.askStart(startRequested{at: time.Now()}, second).kind }()
				synctest.Wait()
				select {
				case a := <-answers:
					t.Fatalf("the second Start was answered with %v while the runtime starts", a)
				default:
				}
				w.task.tell(startReturned{err: failure})
				if failure == nil {
					if a := <-answers; a != pass {
						t.Errorf("the second Start was answered with %v", a)
					}
					if err := <-first; err != nil {
						t.Error(err)
					}
					return
				}
				if a := <-answers; a != withhold {
					t.Errorf("the second Start was answered with %v", a)
				}
				w.task.tell(startReturned{})
				if err := <-second; err != nil {
					t.Error(err)
				}
				w.wantTrace("0s run postStart", "0s report postStart Succeeded", "0s release")
			})
		})
	}
}

func TestASecondStartDoesNotOutliveTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, 0))
		w.task.askStart(startRequested{at: time.Now()}, make(chan error, 1))
		answers := make(chan answerKind, 1)
		go func() { answers <- w.task.askStart(startRequested{at: time.Now()}, make(chan error, 1)).kind }()
		synctest.Wait()
		w.task.end()
		if a := <-answers; a != pass {
			t.Errorf("answered with %v", a)
		}
	})
}

// What /proc says of the init cannot always be read, and a stop waits for it.
func TestAStopDoesNotWaitForeverForAJudgement(t *testing.T) {
	for name, alive := range map[string]func() hooks.Liveness{
		"nothing can be said": func() hooks.Liveness { return hooks.CannotSay },
		"it panics":           func() hooks.Liveness { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := stopped(t)
				w.hook = func(context.Context, *hooks.Hook) hooks.Result { return preSuspect }
				w.alive = alive
				w.task.ask(stopRequested{delivery{signal: syscall.SIGTERM}})
				advance(20 * time.Minute)
				synctest.Wait()
				if got, want := w.traced("signal"), []string{"5s signal terminated"}; !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}
