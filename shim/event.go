package shim

import (
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
)

// event is something that happened to a container.
type event interface{ isEvent() }

type (
	// startRequested: a client called Start on the init at a time, with a
	// deadline; the zero deadline is none.
	startRequested struct{ at, deadline time.Time }
	// startReturned: the runtime's start came back.
	startReturned struct{ err error }
	// startLost: the connection that brought the withheld Start is gone.
	startLost struct{}
	// hookEnded: the running hook came back.
	hookEnded struct{ result hooks.Result }
	// stopRequested: a client sent a stop signal to the init.
	stopRequested struct{ signal delivery }
	// sigkillSent: a client's SIGKILL was forwarded.
	sigkillSent struct{}
	// signalDelivered: a signalInit action came back.
	signalDelivered struct{ err error }
	// judged: whether the init of a container that is judged is alive.
	judged struct{ alive bool }
	// initExited: the init was reaped.
	initExited struct{}
	// sandboxGone: the pod's sandbox was killed or exited.
	sandboxGone struct{}
	// timerFired: a timer ran out.
	timerFired struct{ timer timer }
)

func (startRequested) isEvent()  {}
func (startReturned) isEvent()   {}
func (startLost) isEvent()       {}
func (hookEnded) isEvent()       {}
func (stopRequested) isEvent()   {}
func (sigkillSent) isEvent()     {}
func (signalDelivered) isEvent() {}
func (judged) isEvent()          {}
func (initExited) isEvent()      {}
func (sandboxGone) isEvent()     {}
func (timerFired) isEvent()      {}

// delivery is a signal and its target, as Kill has them.
type delivery struct {
	signal syscall.Signal
	all    bool // every process of the container, not only the init
}

// timer names one of the timers a container may have.
type timer uint8

const (
	// startTimer ends shortly before the deadline of the withheld Start.
	startTimer timer = iota
	// cutTimer ends the stop of a container whose postStart failed.
	cutTimer
	// judgeTimer bounds the wait for an init's exit that would explain a failed hook.
	judgeTimer
	// graceTimer runs from the delivery of the stop signal.
	graceTimer
)

// action is something that must be done for a container.
type action interface{ isAction() }

type (
	// runHook starts a hook; hookEnded follows. bound limits it beside its own
	// timeout, 0: no bound.
	runHook struct {
		hook  *hooks.Hook
		bound time.Duration
	}
	// cancelHook cancels the running hook, if any.
	cancelHook struct{}
	// signalInit sends a signal to the init; signalDelivered follows.
	signalInit struct{ signal delivery }
	// killInit sends SIGKILL to the init; nothing follows but its exit.
	killInit struct{}
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

func (runHook) isAction()      {}
func (cancelHook) isAction()   {}
func (signalInit) isAction()   {}
func (killInit) isAction()     {}
func (judgeInit) isAction()    {}
func (setTimer) isAction()     {}
func (setTimerAt) isAction()   {}
func (stopTimer) isAction()    {}
func (report) isAction()       {}
func (resolveStart) isAction() {}

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
	// absorb: reply with success, do nothing.
	absorb
	// deliver: send the answer's signal in place of the call's own, post
	// signalDelivered, reply with what came of it.
	deliver
)
