package shim

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
)

const (
	// sendTime bounds one attempt to send a signal. A runtime that takes longer
	// is ended, so that SIGKILL, which waits for the same lock of the inner
	// service, gets through; no one knows then whether the signal went, and it
	// is sent again.
	sendTime = 10 * time.Second
	// firstPause and longestPause bound the time between two attempts, which
	// doubles from one to the next.
	firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second
	// logsOfBackoff is how many attempts that failed are logged one by one. After
	// that the back-off has reached its longest pause, and one in a while is.
	logsOfBackoff = 6
	logEvery      = time.Minute
)

// beginSend ends what was being sent and returns the context of what is sent next.
func (l *taskLoop) beginSend(ctx context.Context) context.Context {
	l.endSend()
	ctx, l.cancelSend = context.WithCancel(ctx)
	return ctx
}

func (l *taskLoop) endSend() {
	if l.cancelSend != nil {
		l.cancelSend()
	}
}

// sendUntilSent sends a signal again and again until it has got through or finds
// no process. It returns false when ctx is done before.
func (t *task) sendUntilSent(ctx context.Context, d delivery) bool {
	return t.repeat(ctx, d, func(gone bool, err error) bool {
		if err != nil && !gone {
			t.tell(signalFailed{err})
		}
		return err == nil || gone
	})
}

// killUntilExit sends SIGKILL again and again until ctx is done: the init's exit
// ends it, whatever the runtime says.
func (t *task) killUntilExit(ctx context.Context) {
	t.repeat(ctx, delivery{signal: syscall.SIGKILL}, func(_ bool, err error) bool {
		if err == nil {
			t.tell(sigkillSent{})
		}
		return false
	})
}

// repeat sends a signal until done says so of an attempt, and tells whether it
// did before ctx was done.
func (t *task) repeat(ctx context.Context, d delivery, done func(gone bool, err error) bool) bool {
	p, logged := firstPause, time.Now()
	unsent := func(attempt int, err error) {
		if err != nil && attempt <= logsOfBackoff || time.Since(logged) >= logEvery {
			logged = time.Now()
			t.guard(ctx, func() { t.effects.unsent(d, attempt, err) })
		}
	}
	for attempt := 1; ; attempt++ {
		gone, err := t.sendOnce(ctx, d)
		if ctx.Err() != nil {
			return false
		}
		if done(gone, err) {
			return true
		}
		if err == nil { // a SIGKILL: the init's end takes its time
			p = longestPause
		} else {
			unsent(attempt, err)
		}
		if !hooks.Pause(ctx, p) {
			return false
		}
		if err == nil {
			unsent(attempt, nil)
		}
		p = min(2*p, longestPause)
	}
}

// sendOnce is one attempt. A panic is a failure like any other.
func (t *task) sendOnce(ctx context.Context, d delivery) (gone bool, err error) {
	err = errBroken
	t.guard(ctx, func() {
		ctx, stop := context.WithTimeout(ctx, sendTime)
		defer stop()
		gone, err = t.effects.signal(ctx, d)
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("the runtime took longer than %s: %w", sendTime, err)
		}
	})
	return gone, err
}
