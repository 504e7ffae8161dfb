package shim

import (
	"errors"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
)

const (
	// judgeTime bounds the wait for an init that may be exiting: the kernel
	// kills the rest of a pid namespace first and makes its init reapable after.
	judgeTime = time.Second
	// judgeGone and judgeUnknown are how often an init that is dying, or of
	// which nothing can be said, is looked at before a failure counts that its
	// exit would explain: a stop signal waits behind it.
	judgeGone, judgeUnknown = 30, 5
	// cutBefore is how long before the deadline of Start a container whose
	// postStart failed is killed, so that the reason still reaches the client.
	cutBefore = 5 * time.Second
	// replyBefore is how long before its deadline Start replies: a client whose
	// deadline has passed reads "deadline exceeded" in place of our reason.
	replyBefore = time.Second
	// undeliveredTime is how long a promised stop signal may be on its way
	// before that is told.
	undeliveredTime = 10 * time.Second
)

// machine decides what becomes of one container. It is pure: events go in by
// [machine.step], actions come out in order. It has no clock and no goroutine.
type machine struct {
	hooks    *hooks.Lifecycle
	restored bool // from a checkpoint: its postStart ran in its first life
	phase    phase
	withheld *withheldStart // the Start call that waits for a reply; nil: none
	stop     *delivery      // the stop signal that waits for its turn; nil: none
	sending  *sending       // the stop signal that is on its way; nil: none
	suspect  *hooks.Result  // judging: the failure that waits for the init's exit
	asked    int            // judging: how often the init was looked at
	doomed   bool           // the sandbox went away before the container ran
	passed   syscall.Signal // running: a signal that passed a moment ago, 0: none
	actions  []action
}

// withheldStart is a Start call that waits for a reply.
type withheldStart struct {
	// cause is why the container is being stopped before Start replied;
	// nil: it is not, and the init's exit is a success of Start.
	cause error
	// at is when the call came, deadline its end; zero: none.
	at, deadline time.Time
	traceparent  string
}

// step takes one event and returns what its bringer is to do and the actions
// that follow from it. It panics with a *transitionError on a fault of its own.
func (m *machine) step(ev event) (answer, []action) {
	m.actions = nil
	ans := ev.apply(m)
	return ans, m.actions
}

func (m *machine) do(a ...action) { m.actions = append(m.actions, a...) }

func (m *machine) enter(to phase) {
	next, err := m.phase.next(to)
	if err != nil {
		panic(err)
	}
	m.phase = next
}

// onExited ends everything but the hook's own clean-up.
func (m *machine) onExited() {
	if m.phase == exited {
		return
	}
	if m.hookRuns() {
		m.do(cancelHook{})
	}
	if m.suspect != nil {
		m.cancelled(*m.suspect)
	}
	if m.phase == running && m.passed != 0 {
		m.do(tellUnheeded{m.passed})
	}
	m.enter(exited)
	m.do(cancelSignal{})
	m.stopTimers()
	m.endSending(false)
	if m.withheld != nil {
		m.resolve(m.withheld.cause)
	}
}

// stopTimers stops all but those of the withheld Start.
func (m *machine) stopTimers() {
	m.do(stopTimer{cutTimer}, stopTimer{judgeTimer}, stopTimer{graceTimer}, stopTimer{undeliveredTimer}, stopTimer{passedTimer})
}

func (m *machine) onTimer(t timer) {
	switch t {
	case startTimer:
		m.onDeadline()
	case replyTimer:
		m.onLastMoment()
	case cutTimer:
		if m.stopsFailed() {
			m.kill()
		}
	case judgeTimer:
		if m.phase == judging {
			m.asked++
			m.do(judgeInit{})
		}
	case graceTimer:
		m.onGraceOver()
	case undeliveredTimer:
		m.onUndelivered()
	case passedTimer:
		m.passed = 0
	}
}

// onGraceOver is one grace period after the stop signal.
func (m *machine) onGraceOver() {
	switch {
	case m.stopsFailed() && (m.phase == stopping || m.phase == delivering):
		m.kill()
	case m.phase == stopping:
		m.enter(running)
	}
}

// stopsFailed tells whether the container is being stopped because its
// postStart failed: then no client ends the stop.
func (m *machine) stopsFailed() bool {
	return m.withheld != nil && errors.Is(m.withheld.cause, errPostStartFailed)
}

// stopSignal is the signal that bookend sends where no client chose one.
func (m *machine) stopSignal() syscall.Signal {
	if m.hooks.StopSignal != 0 {
		return m.hooks.StopSignal
	}
	return syscall.SIGTERM
}

func (m *machine) resolve(err error) {
	m.withheld = nil
	m.do(stopTimer{startTimer}, stopTimer{replyTimer}, stopTimer{cutTimer}, resolveStart{err: err, exited: m.phase == exited})
}
