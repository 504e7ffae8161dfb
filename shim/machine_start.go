package shim

import (
	"time"

	"bookend.dev/bookend/hooks"
)

// onStart answers a Start of the init: the first is withheld until its hook
// has returned, any other gets the runtime's own reply.
func (m *machine) onStart(ev startRequested) answer {
	if m.phase != created {
		return answer{kind: pass}
	}
	m.enter(starting)
	m.withheld = &withheldStart{at: ev.at, deadline: ev.deadline}
	return answer{kind: withhold}
}

// keepDeadline ends what the withheld Start waits for before its deadline does.
// While the runtime's own start is under way that is the runtime's business.
func (m *machine) keepDeadline() {
	if d := m.withheld.deadline; !d.IsZero() {
		early := min(replyBefore, d.Sub(m.withheld.at)/4)
		m.do(setTimerAt{startTimer, d.Add(-early)})
	}
}

func (m *machine) onStarted(err error) {
	if m.phase != starting {
		// SIGKILL or the exit came first; an exit has resolved Start already.
		if err != nil && m.withheld != nil {
			m.resolve(err)
		}
		return
	}
	switch {
	case err != nil:
		m.startFailed(err)
	case m.doomed:
		m.keepDeadline()
		m.kill()
	case m.hooks.PostStart == nil || m.restored:
		m.resolve(nil)
		if m.stop == nil {
			m.enter(running)
		} else {
			m.beginStop()
		}
	case m.stop != nil:
		m.withheld.cause = errStoppedWhileStarting
		m.keepDeadline()
		m.beginStop()
	default:
		m.enter(postStart)
		m.keepDeadline()
		m.do(runHook{hook: m.hooks.PostStart})
	}
}

// startFailed gives the init, which is there still, the stop signal that was
// absorbed meanwhile.
func (m *machine) startFailed(err error) {
	stop := m.stop
	m.stop, m.doomed = nil, false
	m.enter(created)
	m.resolve(err)
	if stop != nil {
		m.do(signalInit{*stop})
	}
}

// onStartLost lets the hook go on for a client that went away. The deadline
// was the client's; it stays only where nothing else bounds the hook.
func (m *machine) onStartLost() {
	if m.withheld == nil {
		return
	}
	if m.hooks.PostStart != nil && m.hooks.PostStart.Timeout > 0 {
		m.withheld.deadline = time.Time{}
		m.do(stopTimer{startTimer})
	}
}

func (m *machine) onHookEnded(r hooks.Result) {
	switch {
	case m.phase == killing || m.phase == exited:
		m.endedLate(r)
	case m.phase == postStart && m.stop != nil:
		// Cancelled for a stop signal; what it came to changes nothing.
		m.endedLate(r)
		m.beginStop()
	case r.Suspect:
		m.enter(judging)
		m.suspect = &r
		m.do(setTimer{judgeTimer, judgeTime})
	case r.Outcome == hooks.Failed || r.Outcome == hooks.TimedOut:
		m.failed(r)
	default:
		m.do(report{r})
		if m.phase == postStart {
			m.enter(running)
			m.resolve(nil)
		} else {
			m.deliver()
		}
	}
}

// endedLate reports a hook that ended when its container was past it: success
// and timeout stand, a failure is the doing of whatever came in between.
func (m *machine) endedLate(r hooks.Result) {
	m.do(report{cancelledResult(r)})
}

// failed applies the failure of a hook whose container is alive.
func (m *machine) failed(r hooks.Result) {
	m.do(report{r})
	switch {
	case r.Point == hooks.PreStop:
		m.deliver()
	case m.hooks.PostStart.FailurePolicy == hooks.Ignore:
		m.enter(running)
		m.resolve(nil)
	default:
		m.stopFailed(r)
	}
}

// stopFailed stops a container whose postStart failed, as the kubelet does:
// preStop, stop signal, grace period, SIGKILL; cut before Start's deadline.
func (m *machine) stopFailed(r hooks.Result) {
	m.withheld.cause = &postStartError{result: r}
	m.stop = &delivery{signal: m.stopSignal()}
	if d := m.withheld.deadline; !d.IsZero() {
		m.do(setTimerAt{cutTimer, d.Add(-cutBefore)})
	}
	m.beginStop()
}

// preStopBound is how long a preStop hook may take where the grace period is
// known, so that a client which kills at its end leaves the signal its time.
func (m *machine) preStopBound() time.Duration {
	g := m.grace()
	return g - min(signalReserve, g/2)
}
