package shim

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The signal waits for a runtime that fails, and a Start comes first: then it is one
// that comes while the container starts, and goes after the hook like any other.
func TestAStopThatAFailedStartHasLeftDoesNotOvertakeTheHook(t *testing.T) {
	for name, tt := range map[string]struct {
		start time.Duration // the runtime is back a second later
		want  []string      // after the Start
	}{
		"before it is told": {8 * time.Second, []string{"8s run preStop", "13s signal terminated"}},
		"after it was told": {13 * time.Second, []string{"13s run preStop", "18s signal terminated", "18s end delivered=true told=true"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sleepers(time.Hour, 5*time.Second))
				w.kill = w.until(tt.start+time.Second, w.lives)
				w.task.askStart(startRequested{at: time.Now()}, make(chan error, 1))
				w.task.ask(stopRequested{sigterm})
				w.task.tell(startReturned{err: errRuntime})
				advance(tt.start)
				synctest.Wait()
				before := len(w.traced("run", "signal", "undelivered", "end"))
				w.start(0)
				advance(time.Minute)
				synctest.Wait()
				if got := w.traced("run", "signal", "undelivered", "end")[before:]; !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestABrokenTaskSendsWhatItOwesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stopped(t)
		w.kill = w.until(time.Second, w.lives)
		w.task.ask(stopRequested{sigterm})
		synctest.Wait()
		w.task.tell(hookEnded{preSuspect}) // no machine knows this step
		<-w.task.done
		advance(time.Minute)
		synctest.Wait()
		if got := w.traced("signal"); !slices.Equal(got[len(got)-2:], []string{"700ms signal terminated", "1.5s signal terminated"}) {
			t.Errorf("sent %q; want one that got through", got)
		}
	})
}

// However long an attempt takes.
func TestASendingThatGoesOnIsLoggedEveryMinute(t *testing.T) {
	for name, kill := range map[string]func(context.Context, delivery) error{
		"the runtime fails": func(context.Context, delivery) error { return errRuntime },
		"the runtime hangs": func(ctx context.Context, _ delivery) error { <-ctx.Done(); return errRuntime },
		"the init lives on": func(_ context.Context, d delivery) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sleepers(time.Hour, 0))
				w.kill = kill
				reply := w.start(0)
				synctest.Wait()
				w.task.tell(sandboxGone{})
				advance(time.Hour)
				synctest.Wait()
				var last time.Duration
				lines := w.traced("unsent")
				for _, line := range lines {
					at, _ := time.ParseDuration(strings.Fields(line)[0])
					if at-last > 80*time.Second {
						t.Errorf("nothing was logged from %s to %s", last, at)
					}
					last = at
				}
				if len(lines) > 60+logsOfBackoff || last < 58*time.Minute {
					t.Errorf("%d lines, the last after %s", len(lines), last)
				}
				select {
				case err := <-reply:
					t.Errorf("Start replied with %v", err)
				default:
				}
			})
		})
	}
}
