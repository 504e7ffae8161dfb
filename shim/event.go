package shim

import (
	"context"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
)

// event is something that happened to a container. apply gives it to the machine
// and returns what its bringer is to do.
type event interface{ apply(*machine) answer }

type (
	// startRequested: a client called Start on the init at a time, with a
	// deadline; the zero deadline is none.
	startRequested struct {
		at, deadline time.Time
		traceparent  string
	}
	// startReturned: the runtime's start came back; started says of one that
	// failed that the init runs all the same.
	startReturned struct {
		err     error
		started bool
	}
	// startLost: the connection that brought the withheld Start is gone.
	startLost struct{}
	// hookEnded: the running hook came back.
	hookEnded struct{ result hooks.Result }
	// stopRequested: a client sent a stop signal to the init.
	stopRequested struct{ signal delivery }
	// sigkillSent: a SIGKILL got through, a client's or that of killInit.
	sigkillSent struct{}
	// signalDelivered: the signal of signalInit got through, or the runtime
	// knows no process that it could go to any more.
	signalDelivered struct{}
	// signalFailed: an attempt of signalInit failed; another follows.
	signalFailed struct{ err error }
	// signalReturned: a client's own call with the signal of a deliver answer
	// came back; gone says that the runtime knows no process it could go to.
	signalReturned struct {
		err  error
		gone bool
	}
	// signalPassing: a signal that is none of the container's stop signals is
	// forwarded for a client; 0: that failed.
	signalPassing struct{ signal syscall.Signal }
	// judged: what is known of the init of a container that is judged.
	judged struct{ init hooks.Liveness }
	// initExited: the init was reaped.
	initExited struct{}
	// sandboxGone: the pod's sandbox was killed or exited.
	sandboxGone struct{}
	// timerFired: a timer ran out.
	timerFired struct{ timer timer }
)

func (ev startRequested) apply(m *machine) answer { return m.onStart(ev) }
func (ev stopRequested) apply(m *machine) answer  { return m.onStop(ev.signal) }
func (ev startReturned) apply(m *machine) answer  { m.onStarted(ev); return answer{} }
func (startLost) apply(m *machine) answer         { m.onStartLost(); return answer{} }
func (ev hookEnded) apply(m *machine) answer      { m.onHookEnded(ev.result); return answer{} }
func (sigkillSent) apply(m *machine) answer       { m.onKilled(); return answer{} }
func (signalDelivered) apply(m *machine) answer   { m.onDelivered(); return answer{} }
func (ev signalFailed) apply(m *machine) answer   { m.onSignalFailed(ev.err); return answer{} }
func (ev signalReturned) apply(m *machine) answer { m.onSignalReturned(ev); return answer{} }
func (ev signalPassing) apply(m *machine) answer  { m.onSignalPassing(ev.signal); return answer{} }
func (ev judged) apply(m *machine) answer         { m.onJudged(ev.init); return answer{} }
func (initExited) apply(m *machine) answer        { m.onExited(); return answer{} }
func (sandboxGone) apply(m *machine) answer       { m.onSandboxGone(); return answer{} }
func (ev timerFired) apply(m *machine) answer     { m.onTimer(ev.timer); return answer{} }

// delivery is a signal and its target, as Kill has them.
type delivery struct {
	signal syscall.Signal
	all    bool // every process of the container, not only the init
	// traceparent is that of the call that brought it.
	traceparent string
}

// timer names one of the timers a container may have.
type timer uint8

const (
	// startTimer ends shortly before the deadline of the withheld Start: then
	// its container is killed.
	startTimer timer = iota
	// replyTimer ends between the two: then Start replies, whatever is known.
	replyTimer
	// cutTimer ends the stop of a container whose postStart failed.
	cutTimer
	// judgeTimer bounds the wait for an init's exit that would explain a failed hook.
	judgeTimer
	// graceTimer runs from the delivery of the stop signal.
	graceTimer
	// undeliveredTimer runs while a stop signal is on its way.
	undeliveredTimer
	// passedTimer runs from a signal that is none of the stop signals.
	passedTimer
)

// action is something that must be done for a container. perform does it, on the
// task's goroutine, and must not block.
type action interface {
	perform(context.Context, *taskLoop)
}

type (
	// runHook starts a hook; hookEnded follows. bound limits it beside its own
	// timeout, 0: no bound.
	runHook struct {
		hook  *hooks.Hook
		bound time.Duration
		// traceparent is that of the call which the hook runs for.
		traceparent string
	}
	// cancelHook cancels the running hook, if any.
	cancelHook struct{}
	// signalInit sends a signal to the init until it gets through, in place of
	// what was being sent; signalDelivered follows, after any number of
	// signalFailed.
	signalInit struct{ signal delivery }
	// killInit sends SIGKILL to the init until it has exited, in place of what
	// was being sent; sigkillSent follows each that gets through.
	killInit struct{}
	// cancelSignal ends signalInit or killInit, if one is under way.
	cancelSignal struct{}
	// tellUndelivered logs, publishes and records a stop signal that has not
	// got through; tellUndeliveredEnd follows.
	tellUndelivered struct {
		signal delivery
		err    error // of the last attempt; nil: the first is under way still
	}
	// tellUndeliveredEnd says how the signal of tellUndelivered ended: it was
	// delivered, or the init ended before.
	tellUndeliveredEnd struct{ delivered bool }
	// tellUnheeded says that the container ended of a signal that is none of
	// its stop signals, so that its preStop did not run.
	tellUnheeded struct{ signal syscall.Signal }
	// judgeInit looks whether the init is alive; judged follows.
	judgeInit struct{}
	// setTimer starts a timer anew.
	setTimer struct {
		timer timer
		after time.Duration
	}
	// setTimerAt starts a timer anew; a time that has passed fires at once.
	setTimerAt struct {
		timer timer
		at    time.Time
	}
	// stopTimer stops a timer.
	stopTimer struct{ timer timer }
	// report logs and publishes a hook's result.
	report struct{ result hooks.Result }
	// resolveStart lets the held events go out, then ends the withheld Start;
	// nil is success. exited says that the init's exit is one of them.
	resolveStart struct {
		err    error
		exited bool
	}
)

// answer tells an RPC goroutine what to do with its call.
type answer struct {
	kind   answerKind
	signal delivery // with deliver: what to send
}

type answerKind uint8

const (
	// pass: call the inner service as if there were no hooks.
	pass answerKind = iota
	// withhold: call the inner service's Start, post startReturned, wait.
	withhold
	// later: a Start that has to wait for another; the task keeps it and asks
	// again, so that no call ever gets this answer.
	later
	// absorb: reply with success, do nothing.
	absorb
	// deliver: send the answer's signal in place of the call's own, post
	// signalReturned, reply with the result.
	deliver
)
