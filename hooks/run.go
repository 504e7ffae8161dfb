package hooks

import (
	"context"
	"errors"
	"time"
)

// retryPause lies between two attempts of one hook, so that a retry meets a
// container that has moved on and not the same instant again.
const retryPause = time.Second

// Handler carries out a hook once. Run MUST return soon after ctx is done,
// with everything it started ended; it need not explain why ctx is done.
type Handler interface {
	Run(ctx context.Context) Report
}

// Run carries out hook with h: within hook.Timeout, with hook.Retries further
// attempts, until it succeeds or ctx is done. init tells what is known of the
// container's init; it is asked only about a failure that is Suspect, which is
// cleared if the init is alive and ends the attempts if it is gone. A panic of
// the handler is a failed attempt. journal, where it is not nil, is told of every
// attempt.
//
// What the hook printed goes to the journal and is not in the result, which may
// wait for its readers.
//
// ctx ended with cause [ErrTimeout] is a timeout like that of hook.Timeout
// (the grace period's bound); ended otherwise, the hook is Cancelled.
func Run(ctx context.Context, hook *Hook, h Handler, init func() Liveness, journal Journal) Result {
	// The start comes first: a hook that times out has taken no less than that.
	res := Result{Point: hook.Point, Handler: hook.HandlerName(), Started: time.Now()}
	if hook.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, hook.Timeout, ErrTimeout)
		defer stop()
	}
	if journal == nil {
		journal = noJournal
	}
	for {
		res.Attempts++
		started := time.Now()
		end := journal(res.Attempts, started)
		res.Report = attempt(ctx, h)
		res.Outcome = outcomeOf(ctx, &res.Report)
		known := CannotSay
		if res.Outcome == Failed && res.Suspect {
			known = init()
			res.Suspect = known != Alive
		}
		end(Attempt{Report: res.Report, Outcome: res.Outcome, Duration: time.Since(started)})
		res.Stdout, res.Stderr, res.Late = nil, nil, nil // the record's
		if res.Outcome != Failed || known == Gone || res.Attempts > hook.Retries {
			break
		}
		if !Pause(ctx, retryPause) {
			res.Outcome = outcomeOf(ctx, &res.Report)
			break
		}
	}
	res.Duration = time.Since(res.Started)
	return res
}

// outcomeOf turns a report into an outcome. Success stands even where ctx ended at
// the same moment; any other report of an ended ctx is the ctx's doing.
func outcomeOf(ctx context.Context, r *Report) Outcome {
	switch {
	case r.Cause == "":
		return Succeeded
	case ctx.Err() == nil:
		return Failed
	case errors.Is(context.Cause(ctx), ErrTimeout):
		r.Cause, r.Suspect = CauseTimeout, false
		return TimedOut
	default:
		r.Cause, r.Suspect = CauseCancelled, false
		return Cancelled
	}
}

func attempt(ctx context.Context, h Handler) (r Report) {
	if err := Recovered(func() error { r = h.Run(ctx); return nil }); err != nil {
		return Report{Cause: CauseInternal, Err: err}
	}
	return r
}

// Pause waits for d, and tells whether it did before ctx was done.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
