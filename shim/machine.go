package shim

import (
	"errors"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
)

const (
	// defaultGrace is the grace period where nobody said, as Kubernetes has it.
	defaultGrace = 30 * time.Second
	// judgeTime bounds the wait for an init that may be exiting: the kernel
	// kills the rest of a pid namespace first and makes its init reapable after.
	judgeTime = time.Second
	// cutBefore is how long before the deadline of Start a container whose
	// postStart failed is killed, so that the reason still reaches the client.
	cutBefore = 5 * time.Second
	// replyBefore is how long before its deadline Start replies: a client whose
	// deadline has passed reads "deadline exceeded" in place of our reason.
	replyBefore = time.Second
	// signalReserve is kept of the grace period for the stop signal itself.
	signalReserve = 2 * time.Second
)

// machine decides what becomes of one container. It is pure: events go in by
// [machine.step], actions come out in order. It has no clock and no goroutine.
type machine struct {
	hooks    *hooks.Lifecycle
	restored bool // from a checkpoint: its postStart ran in its first life
	phase    phase
	withheld *withheldStart // the Start call that waits for a reply; nil: none
	stop     *delivery      // the stop signal that waits for its turn; nil: none
	suspect  *hooks.Result  // judging: the failure that waits for the init's exit
	doomed   bool           // starting: the sandbox went away meanwhile
	actions  []action
}

// withheldStart is a Start call that waits for a reply.
type withheldStart struct {
	// cause is why the container is being stopped before Start replied;
	// nil: it is not, and the init's exit is a success of Start.
	cause error
	// at is when the call came, deadline its end; zero: none.
	at, deadline time.Time
}

// step takes one event and returns what its bringer is to do and the actions
// that follow from it. It panics with a *transitionError on a fault of its own.
func (m *machine) step(ev event) (answer, []action) {
	m.actions = nil
	ans := m.dispatch(ev)
	return ans, m.actions
}

func (m *machine) dispatch(ev event) answer {
	switch ev := ev.(type) {
	case startRequested:
		return m.onStart(ev)
	case stopRequested:
		return m.onStop(ev.signal)
	case startReturned:
		m.onStarted(ev.err)
	case startLost:
		m.onStartLost()
	case hookEnded:
		m.onHookEnded(ev.result)
	case sigkillSent:
		m.onKilled()
	case signalDelivered:
		m.onDelivered(ev.err)
	case judged:
		m.onJudged(ev.alive)
	case initExited:
		m.onExited()
	case sandboxGone:
		m.onSandboxGone()
	case timerFired:
		m.onTimer(ev.timer)
	}
	return answer{}
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
	m.enter(exited)
	m.do(stopTimer{cutTimer}, stopTimer{judgeTimer}, stopTimer{graceTimer})
	if m.withheld != nil {
		m.resolve(m.withheld.cause)
	}
}

// cancelled reports a failure that the init's exit explains: not a failure.
func (m *machine) cancelled(r hooks.Result) {
	m.suspect = nil
	m.do(report{cancelledResult(r)})
}

// cancelledResult is what a hook came to whose container went away.
func cancelledResult(r hooks.Result) hooks.Result {
	if r.Outcome == hooks.Failed {
		r.Outcome, r.Cause, r.Suspect = hooks.Cancelled, hooks.CauseCancelled, false
	}
	return r
}

func (m *machine) hookRuns() bool { return m.phase == postStart || m.phase == preStop }

// onKilled is a SIGKILL that a client sent and the runtime took.
func (m *machine) onKilled() {
	if m.phase == exited || m.phase == killing {
		return
	}
	if m.hookRuns() {
		m.do(cancelHook{})
	}
	m.enter(killing)
	m.do(stopTimer{cutTimer}, stopTimer{judgeTimer}, stopTimer{graceTimer})
}

// kill ends the container by bookend's own decision.
func (m *machine) kill() {
	m.onKilled()
	m.do(killInit{})
}

// onSandboxGone ends a container that would otherwise come up in a dead
// sandbox; once Start has replied the client looks after its pod itself.
func (m *machine) onSandboxGone() {
	switch {
	case m.phase == starting:
		m.doomed = true
	case m.withheld != nil && m.phase != killing:
		m.kill()
	}
}

func (m *machine) onTimer(t timer) {
	switch t {
	case startTimer:
		m.onDeadline()
	case cutTimer:
		m.kill()
	case judgeTimer:
		if m.phase == judging {
			m.do(judgeInit{})
		}
	case graceTimer:
		m.onGraceOver()
	}
}

// onDeadline is the deadline of the withheld Start drawing near.
func (m *machine) onDeadline() {
	switch {
	case m.withheld == nil:
		return
	case m.phase == killing:
		// The init has had its SIGKILL and is not reaped; the client is told
		// what it can still be told.
		m.resolve(errors.Join(m.withheld.cause, errStartDeadline))
		return
	case m.withheld.cause == nil || errors.Is(m.withheld.cause, errStoppedWhileStarting):
		m.withheld.cause = errStartDeadline
	}
	m.kill()
}

// onJudged follows the wait for the init's exit: if it lives, the failure is
// one; if it is dying still, its exit will come.
func (m *machine) onJudged(alive bool) {
	if m.phase != judging || !alive {
		return
	}
	r := *m.suspect
	m.suspect = nil
	r.Suspect = false
	m.failed(r)
}

// onGraceOver is one grace period after the delivery of the stop signal.
func (m *machine) onGraceOver() {
	if m.phase != stopping {
		return
	}
	if m.withheld != nil && errors.Is(m.withheld.cause, errPostStartFailed) {
		m.kill()
		return
	}
	m.enter(running)
}

func (m *machine) grace() time.Duration {
	if m.hooks.GracePeriod != nil {
		return *m.hooks.GracePeriod
	}
	return defaultGrace
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
	m.do(stopTimer{startTimer}, stopTimer{cutTimer}, resolveStart{err: err, exited: m.phase == exited})
}
