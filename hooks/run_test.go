package hooks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// handlerFunc is a handler that is told the number of its attempt, from 1.
type handlerFunc struct {
	run   func(ctx context.Context, attempt int) Report
	calls int
}

func (h *handlerFunc) Run(ctx context.Context) Report {
	h.calls++
	return h.run(ctx, h.calls)
}

// takes returns a handler that returns r after d, or fails once ctx is done.
func takes(d time.Duration, r Report) *handlerFunc {
	return &handlerFunc{run: func(ctx context.Context, _ int) Report {
		if !Pause(ctx, d) {
			return Report{Cause: CauseSignal, Signal: 9, Suspect: true}
		}
		return r
	}}
}

func alive() Liveness { return Alive }

// unasked is about an init that must not be asked about.
func unasked(t *testing.T) func() Liveness {
	return func() Liveness { t.Error("asked whether the init is alive"); return Alive }
}

var exit1 = Report{Cause: CauseExitCode, ExitCode: 1}

// expect compares what of a result does not depend on its report's details.
func expect(t *testing.T, r Result, outcome Outcome, cause Cause, attempts int, took time.Duration) {
	t.Helper()
	if r.Outcome != outcome || r.Cause != cause || r.Attempts != attempts || r.Duration != took {
		t.Errorf("got %s, %q, %d attempts, %s; want %s, %q, %d attempts, %s",
			r.Outcome, r.Cause, r.Attempts, r.Duration, outcome, cause, attempts, took)
	}
}

func TestRunSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		r := Run(t.Context(), &Hook{Point: PreStop, Exec: &Exec{}}, takes(3*time.Second, Report{Stdout: []byte("done")}), unasked(t), nil)
		expect(t, r, Succeeded, "", 1, 3*time.Second)
		if r.Point != PreStop || r.Handler != "exec" || !r.Started.Equal(started) || r.Stdout != nil {
			t.Errorf("got %+v", r)
		}
	})
}

func TestRunFailsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := Run(t.Context(), &Hook{Exec: &Exec{}}, takes(time.Second, exit1), unasked(t), nil)
		expect(t, r, Failed, CauseExitCode, 1, time.Second)
		if r.ExitCode != 1 {
			t.Errorf("exit code %d", r.ExitCode)
		}
	})
}

func TestRunTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := takes(time.Hour, Report{})
		r := Run(t.Context(), &Hook{Sleep: &Sleep{}, Timeout: 5 * time.Second, Retries: 3}, h, unasked(t), nil)
		expect(t, r, TimedOut, CauseTimeout, 1, 5*time.Second)
		if r.Suspect {
			t.Error("a timeout is suspect")
		}
	})
}

func TestRunWithoutTimeoutRunsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := Run(t.Context(), &Hook{Sleep: &Sleep{}}, takes(1000*time.Hour, Report{}), unasked(t), nil)
		expect(t, r, Succeeded, "", 1, 1000*time.Hour)
	})
}

func TestRunIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		r := Run(ctx, &Hook{Sleep: &Sleep{}, Timeout: 5 * time.Second, Retries: 3}, takes(time.Hour, Report{}), unasked(t), nil)
		expect(t, r, Cancelled, CauseCancelled, 1, 2*time.Second)
	})
}

// The bound that a grace period sets is a timeout, not a cancel.
func TestRunTellsATimeoutOfItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Second, ErrTimeout)
		defer cancel()
		r := Run(ctx, &Hook{Sleep: &Sleep{}, Timeout: 5 * time.Second}, takes(time.Hour, Report{}), unasked(t), nil)
		expect(t, r, TimedOut, CauseTimeout, 1, 2*time.Second)
	})
}

// A deadline of the caller without that cause is the call's: no timeout of the hook.
func TestRunTellsADeadlineOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		r := Run(ctx, &Hook{Sleep: &Sleep{}}, takes(time.Hour, Report{}), unasked(t), nil)
		expect(t, r, Cancelled, CauseCancelled, 1, 2*time.Second)
	})
}

func TestRunSuccessAtTheDeadlineStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handlerFunc{run: func(ctx context.Context, _ int) Report {
			<-ctx.Done() // the work was done the moment before
			return Report{}
		}}
		r := Run(t.Context(), &Hook{Exec: &Exec{}, Timeout: time.Second}, h, unasked(t), nil)
		expect(t, r, Succeeded, "", 1, time.Second)
	})
}

func TestRunRetriesUntilSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handlerFunc{run: func(_ context.Context, attempt int) Report {
			if attempt < 3 {
				return exit1
			}
			return Report{}
		}}
		r := Run(t.Context(), &Hook{Exec: &Exec{}, Retries: 5}, h, unasked(t), nil)
		expect(t, r, Succeeded, "", 3, 2*retryPause)
		if h.calls != 3 {
			t.Errorf("%d calls", h.calls)
		}
	})
}

func TestRunRetriesRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := takes(time.Second, exit1)
		r := Run(t.Context(), &Hook{Exec: &Exec{}, Retries: 2}, h, unasked(t), nil)
		expect(t, r, Failed, CauseExitCode, 3, 3*time.Second+2*retryPause)
	})
}

func TestRunAttemptsShareOneTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := takes(2*time.Second, exit1) // at 0, 3, 6: the third is cut at 7
		r := Run(t.Context(), &Hook{Exec: &Exec{}, Retries: 9, Timeout: 7 * time.Second}, h, unasked(t), nil)
		expect(t, r, TimedOut, CauseTimeout, 3, 7*time.Second)
	})
}

func TestRunPauseEndsWithTheHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := takes(time.Second, exit1)
		r := Run(t.Context(), &Hook{Exec: &Exec{}, Retries: 9, Timeout: time.Second + retryPause/2}, h, unasked(t), nil)
		expect(t, r, TimedOut, CauseTimeout, 1, time.Second+retryPause/2)

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second+retryPause/2, cancel)
		r = Run(ctx, &Hook{Exec: &Exec{}, Retries: 9}, takes(time.Second, exit1), unasked(t), nil)
		expect(t, r, Cancelled, CauseCancelled, 1, time.Second+retryPause/2)
	})
}

func TestRunSuspectFailure(t *testing.T) {
	suspect := Report{Cause: CauseSignal, Signal: 9, Suspect: true}
	synctest.Test(t, func(t *testing.T) {
		r := Run(t.Context(), &Hook{Exec: &Exec{}, Retries: 1}, takes(0, suspect), alive, nil)
		expect(t, r, Failed, CauseSignal, 2, retryPause)
		if r.Suspect {
			t.Error("still suspect though the init is alive")
		}

		asked := 0
		r = Run(t.Context(), &Hook{Exec: &Exec{}, Retries: 3}, takes(0, suspect), func() Liveness { asked++; return Gone }, nil)
		expect(t, r, Failed, CauseSignal, 1, 0)
		if !r.Suspect || asked != 1 {
			t.Errorf("suspect %v, asked %d times; want a suspect failure after one question", r.Suspect, asked)
		}
	})
}

func TestRunSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handlerFunc{run: func(_ context.Context, attempt int) Report {
			if attempt == 1 {
				panic("out of paper")
			}
			return Report{}
		}}
		r := Run(t.Context(), &Hook{Exec: &Exec{}}, h, unasked(t), nil)
		expect(t, r, Failed, CauseInternal, 1, 0)
		if r.Err == nil || !strings.Contains(r.Err.Error(), "out of paper") || !strings.Contains(r.Err.Error(), "run_test.go") {
			t.Errorf("error %v; want the panic and its place", r.Err)
		}
		if strings.Contains(r.Message(), "paper") {
			t.Errorf("the message tells what was meant for the log: %s", r.Message())
		}

		h.calls = 0
		r = Run(t.Context(), &Hook{Exec: &Exec{}, Retries: 1}, h, unasked(t), nil)
		expect(t, r, Succeeded, "", 2, retryPause)
	})
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		if r := (&Sleep{Duration: 3 * time.Second}).Run(t.Context()); r.Cause != "" || time.Since(started) != 3*time.Second {
			t.Errorf("%+v after %s", r, time.Since(started))
		}

		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		if r := (&Sleep{Duration: time.Second}).Run(ctx); r.Cause != CauseCancelled || !errors.Is(r.Err, why) {
			t.Errorf("cancelled: %+v", r)
		}
		for range 100 { // where two ways are open, Go picks one at random
			if r := (&Sleep{}).Run(ctx); r.Cause != "" {
				t.Fatalf("0 seconds: %+v", r)
			}
		}
	})
}

func TestRunMessages(t *testing.T) {
	r := Result{Handler: "exec", Duration: 12*time.Millisecond + 300*time.Microsecond}
	for want, report := range map[string]Report{
		"exec: succeeded after 12ms":                    {},
		"exec: exit status 3 after 12ms":                {Cause: CauseExitCode, ExitCode: 3},
		"exec: killed by signal 9 (SIGKILL) after 12ms": {Cause: CauseSignal, Signal: 9},
		"exec: unexpected status 503 after 12ms":        {Cause: CauseUnexpectedStatus, Status: 503},
		"exec: timed out after 12ms":                    {Cause: CauseTimeout, ExitCode: 3},
	} {
		if r.Report = report; r.Message() != want {
			t.Errorf("got %q, want %q", r.Message(), want)
		}
	}
}
