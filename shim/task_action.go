package shim

import (
	"context"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
)

// effects is what a task's decisions do to the world. Every function may block
// and is called on a goroutine of its own, except report, unheeded and postStatus,
// which must not block.
type effects struct {
	// runHook carries out a hook and returns soon after ctx is done.
	runHook func(ctx context.Context, a runHook) hooks.Result
	// signal sends a signal to the init through the inner service; gone says of
	// an error that there is no process to send it to.
	signal func(ctx context.Context, d delivery) (gone bool, err error)
	// unsent logs that an attempt to send a signal did not do, and that it is
	// repeated: the first few times, and then each minute; a nil err is a SIGKILL
	// that the init outlived so far.
	unsent func(d delivery, attempt int, err error)
	// undelivered tells of a stop signal that was due some time ago and has not
	// got through, and then how that ended: it was delivered, or the init ended
	// before. An over that is closed says neither.
	undelivered func(d delivery, due time.Time, err error, over <-chan bool)
	// unheeded logs a signal that ended the container without a preStop.
	unheeded func(syscall.Signal)
	// alive tells what is known of the init.
	alive func() hooks.Liveness
	// release lets the events go that were held back with Start; exited says
	// that the init's exit is among them, or will be in a moment.
	release func(exited bool)
	// report tells of a hook that ended.
	report func(hooks.Result)
	// postStatus tells where the container stands now.
	postStatus func(taskStatus)
}

func (a runHook) perform(ctx context.Context, l *taskLoop) { l.startHook(ctx, a) }

func (cancelHook) perform(_ context.Context, l *taskLoop) {
	if l.cancelHook != nil {
		l.cancelHook()
	}
}

func (a signalInit) perform(ctx context.Context, l *taskLoop) {
	ctx = l.beginSend(ctx)
	l.due = time.Now()
	go func() {
		if l.sendUntilSent(ctx, a.signal) {
			l.tell(signalDelivered{})
		}
	}()
}

func (killInit) perform(ctx context.Context, l *taskLoop) { go l.killUntilExit(l.beginSend(ctx)) }

func (cancelSignal) perform(_ context.Context, l *taskLoop) { l.endSend() }

func (a tellUndelivered) perform(ctx context.Context, l *taskLoop) {
	over, due := make(chan bool, 1), l.due
	l.undeliveredEnd = over
	go l.guard(ctx, func() { l.effects.undelivered(a.signal, due, a.err, over) })
}

func (a tellUndeliveredEnd) perform(_ context.Context, l *taskLoop) {
	l.undeliveredEnd <- a.delivered
	l.undeliveredEnd = nil
}

func (a tellUnheeded) perform(_ context.Context, l *taskLoop) { l.effects.unheeded(a.signal) }

func (a setTimer) perform(_ context.Context, l *taskLoop) { l.setTimer(a.timer, a.after) }

func (a setTimerAt) perform(_ context.Context, l *taskLoop) {
	l.setTimer(a.timer, time.Until(a.at))
	l.ends[a.timer] = a.at
}

func (a stopTimer) perform(_ context.Context, l *taskLoop) { l.stopTimer(a.timer) }

func (a report) perform(_ context.Context, l *taskLoop) { l.effects.report(a.result) }

func (judgeInit) perform(ctx context.Context, l *taskLoop) { go l.judge(ctx) }

func (a resolveStart) perform(ctx context.Context, l *taskLoop) { l.resolve(ctx, a.err, a.exited) }

// judge reports back even from a panic: a stop waits for it.
func (t *task) judge(ctx context.Context) {
	init := hooks.CannotSay
	defer func() { t.tell(judged{init}) }()
	t.guard(ctx, func() { init = t.effects.alive() })
}

// resolve ends the withheld Start. It lets the held events go first, so that a
// client which has its reply can rely on them being on their way in order.
func (l *taskLoop) resolve(ctx context.Context, err error, exited bool) {
	start := l.start
	l.start = nil
	go l.guard(ctx, func() {
		l.effects.release(exited)
		if start != nil {
			start <- err
		}
	})
}
