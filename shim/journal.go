package shim

import (
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// journal keeps the records of the attempts of one run of a hook. It belongs to
// that run's goroutine, and to whoever gets its result after that.
type journal struct {
	store    *record.Store
	template record.Record // of all its records
	entry    *record.Entry // of the latest attempt; nil: none has begun
	open     bool          // that attempt has not ended
	outcome  hooks.Outcome // of the run
}

func (c *container) newJournal(h *hooks.Hook) *journal {
	return &journal{store: c.store, template: record.Record{Subject: c.subject, Hook: h.Point, Handler: h.HandlerName()}}
}

// Begin implements [hooks.Journal].
func (j *journal) Begin(attempt int, started time.Time) hooks.Entry {
	r := j.template
	r.Attempt, r.Started = attempt, started
	j.entry, j.open = j.store.Begin(r), true
	return j
}

// End implements [hooks.Entry].
func (j *journal) End(a hooks.Attempt) {
	j.open = false
	j.entry.End(endOf(a, j.template.Handler))
}

// close notes what the run came to. An attempt that is open then was ended by a
// fault of bookend's own.
func (j *journal) close(outcome hooks.Outcome) {
	j.outcome = outcome
	if j.open {
		j.End(hooks.Attempt{Report: hooks.Report{Cause: hooks.CauseInternal, Err: errBroken}, Outcome: hooks.Failed})
	}
}

// settle corrects the record of the last attempt where its container's end has
// overruled what the run had come to. It waits for nothing.
func settle(res hooks.Result) {
	if j, ok := res.Journal.(*journal); ok && j.entry != nil && res.Outcome != j.outcome {
		j.entry.Amend(record.End{Outcome: res.Outcome, Cause: res.Cause})
	}
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
	if a.Err != nil {
		end.Detail = a.Err.Error()
	}
	return end
}

// lateOutput amends the record of an attempt when its output has become more
// after its end.
func lateOutput(e *record.Entry) func(stdout, stderr []byte) {
	return func(stdout, stderr []byte) { e.Amend(record.End{Stdout: stdout, Stderr: stderr}) }
}
