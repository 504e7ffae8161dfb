package shim

import "errors"

// onKilled is a SIGKILL that the runtime took, a client's or bookend's own.
func (m *machine) onKilled() {
	if m.phase == exited || m.phase == killed {
		return
	}
	if m.hookRuns() {
		m.do(cancelHook{})
	}
	if m.phase != killing {
		m.do(cancelSignal{}) // killInit goes on until the exit is seen
	}
	m.enter(killed)
	m.stopTimers()
}

// kill ends the container by bookend's own decision.
func (m *machine) kill() {
	if m.phase == exited || m.phase == killed || m.phase == killing {
		return
	}
	if m.hookRuns() {
		m.do(cancelHook{})
	}
	m.enter(killing)
	m.stopTimers()
	m.do(killInit{})
}

// onSandboxGone ends a container that would otherwise come up in a dead
// sandbox; once Start has replied the client looks after its pod itself.
func (m *machine) onSandboxGone() {
	switch {
	case m.phase == created || m.phase == starting:
		m.doomed = true
	case m.withheld != nil:
		m.kill()
	}
}

// onDeadline is the deadline of the withheld Start drawing near: its container
// is killed while there is time to see it end.
func (m *machine) onDeadline() {
	if m.withheld == nil || m.phase == killing || m.phase == killed {
		return
	}
	if m.withheld.cause == nil || errors.Is(m.withheld.cause, errStoppedWhileStarting) {
		m.withheld.cause = errStartDeadline
	}
	m.kill()
}

// onLastMoment ends a Start whose container is being killed and has not ended:
// the client is told what is known before its deadline has passed.
func (m *machine) onLastMoment() {
	m.onDeadline() // of a call that came too late, both timers fire at once
	if m.withheld != nil {
		m.resolve(&killPendingError{cause: m.withheld.cause})
	}
}
