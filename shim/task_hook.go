package shim

import (
	"context"
	"time"

	"bookend.dev/bookend/hooks"
)

// startHook runs a hook on a goroutine of its own, which posts its result.
func (l *taskLoop) startHook(ctx context.Context, a runHook) {
	ctx, cancel := context.WithCancel(ctx)
	l.cancelHook, l.hook = cancel, statusOf(a)
	stop := func() {}
	if a.bound > 0 {
		ctx, stop = context.WithTimeoutCause(ctx, a.bound, hooks.ErrTimeout)
	}
	go func() {
		defer cancel()
		defer stop()
		res := l.carryOut(ctx, a)
		if !l.post(message{event: hookEnded{res}}) {
			l.effects.report(cancelledResult(res)) // the container is deleted
		}
	}()
}

// carryOut makes a panic anywhere in a hook's code that hook's failure.
func (t *task) carryOut(ctx context.Context, a runHook) (res hooks.Result) {
	started := time.Now()
	err := hooks.Recovered(func() error { res = t.effects.runHook(ctx, a); return nil })
	if err == nil {
		return res
	}
	return hooks.Result{
		Report: hooks.Report{Cause: hooks.CauseInternal, Err: err},
		Point:  a.hook.Point, Handler: a.hook.HandlerName(), Outcome: hooks.Failed,
		Attempts: 1, Started: started, Duration: time.Since(started),
	}
}
