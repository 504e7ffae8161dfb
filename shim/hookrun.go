package shim

import (
	"context"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// hookRun is one run of a hook, with the records of its attempts. It belongs to
// the run's goroutine, and to whoever gets its result after that.
type hookRun struct {
	store    *record.Store
	template record.Record // of all its records
	entry    *record.Entry // of the latest attempt; nil: none has begun
	open     bool          // that attempt has not ended
	outcome  hooks.Outcome
	told     hooks.Outcome // what its last record says of the run; empty: nothing yet
	ended    *latch        // set when its records are complete
}

// newRun makes the run of a hook that follows all others. traceparent is that of the
// call that it runs for.
func (c *container) newRun(h *hooks.Hook, traceparent string) *hookRun {
	template := record.Record{Subject: c.subject, Hook: h.Point, Handler: h.HandlerName(), Traceparent: traceparent}
	r := &hookRun{store: c.store, template: template, ended: newLatch()}
	c.run.Store(r)
	return r
}

// begin is a [hooks.Journal].
func (r *hookRun) begin(attempt int, started time.Time) func(hooks.Attempt) {
	first := r.template
	first.Attempt, first.Started = attempt, started
	r.entry, r.open = r.store.Begin(first), true
	return r.endAttempt
}

func (r *hookRun) endAttempt(a hooks.Attempt) {
	r.open = false
	end := endOf(a, r.template.Handler)
	r.told = end.Run
	r.entry.End(end)
	if a.Late != nil {
		go amend(r.entry, r.template.Container, a.Late)
	}
}

// amend adds to the record of an attempt what was printed after its end.
func amend(e *record.Entry, id string, late <-chan hooks.Printed) {
	guard(context.Background(), id, func() {
		for p := range late {
			e.Amend(record.End{Stdout: p.Stdout, Stderr: p.Stderr})
		}
	})
}

// close notes the outcome of the run. An attempt that is open then was ended by a
// fault of bookend's own.
func (r *hookRun) close(outcome hooks.Outcome) {
	r.outcome = outcome
	if r.open {
		r.endAttempt(hooks.Attempt{Report: hooks.Report{Cause: hooks.CauseInternal, Err: errBroken}, Outcome: hooks.Failed})
	}
	r.ended.set()
}

// settle writes into the record of the last attempt how the run has ended, where that
// attempt failed: only now is it known that no other follows. Where the end of the
// container has overruled the outcome of the run, it has that of the attempt as well.
// It waits for nothing.
func (r *hookRun) settle(res hooks.Result) {
	if r == nil || r.entry == nil || res.Outcome == r.told {
		return
	}
	end := record.End{Run: res.Outcome}
	if res.Outcome != r.outcome {
		end.Outcome, end.Cause = res.Outcome, res.Cause
	}
	r.told = res.Outcome
	r.entry.Amend(end)
}

// endOf is what a record says of an attempt.
func endOf(a hooks.Attempt, handler string) record.End {
	end := record.End{
		Outcome: a.Outcome, DurationSeconds: a.Duration.Seconds(), Cause: a.Cause,
		Signal: int(a.Signal), HTTPStatus: a.Status, Runner: a.Runner, RunnerReason: a.RunnerReason,
		Stdout: a.Stdout, Stderr: a.Stderr,
	}
	if handler == hooks.HandlerExec && (a.Cause == "" || a.Cause == hooks.CauseExitCode) {
		end.ExitCode = &a.ExitCode
	}
	if a.Outcome != hooks.Failed { // which another attempt may follow, or the end of the container explain
		end.Run = a.Outcome
	}
	if a.Err != nil {
		end.Detail = a.Err.Error()
	}
	return end
}
