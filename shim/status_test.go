package shim

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bookend.dev/bookend/hooks"
)

// wantStatuses compares all that was posted; times are seconds since the begin,
// "-" for none.
func (w *world) wantStatuses(want ...string) {
	w.t.Helper()
	synctest.Wait()
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Sub(w.begun).String()
	}
	var got []string
	for _, st := range w.statuses {
		line := st.phase.String()
		if st.hook != "" {
			line += " " + string(st.hook) + " " + at(st.started) + " " + at(st.deadline)
		}
		got = append(got, line)
	}
	if len(got) != len(want) {
		w.t.Fatalf("shown\n got %q\nwant %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			w.t.Errorf("shown\n got %q\nwant %q", got, want)
		}
	}
}

func TestAContainersStandingIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lc := sleepers(7*time.Second, 9*time.Second)
		lc.PreStop.Timeout = 100 * time.Second
		grace := 30 * time.Second
		lc.GracePeriod = &grace
		w := newWorld(t, lc)
		if err := <-w.start(0); err != nil {
			t.Fatal(err)
		}
		w.wantStatuses("created", "starting", "postStart postStart 0s -", "running")
		w.task.ask(stopRequested{sigterm})
		advance(9 * time.Second)
		synctest.Wait()
		w.task.tell(initExited{})
		w.wantStatuses("created", "starting", "postStart postStart 0s -", "running",
			"preStop preStop 7s 35s", "delivering", "stopping", "exited")
	})
}

func TestAHooksDeadlineIsTheEarliestThereIs(t *testing.T) {
	for name, tt := range map[string]struct {
		timeout, call time.Duration
		want          string
	}{
		"none":              {0, 0, "-"},
		"its timeout":       {10 * time.Second, time.Minute, "10s"},
		"the call's, early": {time.Hour, time.Minute, "59s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lc := sleepers(5*time.Second, 0)
				lc.PostStart.Timeout = tt.timeout
				w := newWorld(t, lc)
				if err := <-w.start(tt.call); err != nil {
					t.Fatal(err)
				}
				// None of them is preStop's.
				w.task.ask(stopRequested{sigterm})
				w.wantStatuses("created", "starting", "postStart postStart 0s "+tt.want, "running",
					"preStop preStop 5s -", "delivering", "stopping")
			})
		})
	}
}

func TestTheBoundOfTheGracePeriodIsADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lc := sleepers(0, time.Hour)
		lc.PreStop.Timeout = time.Minute
		grace := 30 * time.Second
		lc.GracePeriod = &grace
		w := newWorld(t, lc)
		if err := <-w.start(0); err != nil {
			t.Fatal(err)
		}
		w.task.ask(stopRequested{sigterm})
		w.wantStatuses("created", "starting", "postStart postStart 0s -", "running", "preStop preStop 0s 28s")
		w.task.tell(sigkillSent{})
		w.wantStatuses("created", "starting", "postStart postStart 0s -", "running", "preStop preStop 0s 28s",
			"killed preStop 0s 28s", "killed")
	})
}

func TestTheStopOfAFailedPostStartShowsItsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, time.Hour))
		w.hook = func(ctx context.Context, h *hooks.Hook) hooks.Result {
			if h.Point == hooks.PostStart {
				return postFailed
			}
			<-ctx.Done()
			return hooks.Run(ctx, h, h.Sleep, func() hooks.Liveness { return hooks.Alive }, nil)
		}
		w.kill = func(context.Context, delivery) error { w.task.tell(initExited{}); return nil }
		if err := <-w.start(20 * time.Second); !errors.Is(err, errPostStartFailed) {
			t.Errorf("Start: got %v, want %v", err, errPostStartFailed)
		}
		synctest.Wait()
		w.statuses = w.statuses[:4] // what follows the cut comes in any order
		w.wantStatuses("created", "starting", "postStart postStart 0s 19s", "preStop preStop 0s 15s")
	})
}

// The status is removed when its task is deleted: nothing may put it back.
func TestTheEndOfATaskIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, time.Hour))
		if err := <-w.start(0); err != nil {
			t.Fatal(err)
		}
		w.task.ask(stopRequested{sigterm})
		w.wantStatuses("created", "starting", "postStart postStart 0s -", "running", "preStop preStop 0s -")
		w.task.end()
		w.wantStatuses("created", "starting", "postStart postStart 0s -", "running", "preStop preStop 0s -")
	})
}
