package shim

import (
	"time"

	"bookend.dev/bookend/hooks"
)

// onStart answers a Start of the init: the first is withheld until its hook
// has returned, any other gets the runtime's own reply. One that comes while
// the runtime starts the init waits: it must not reach the runtime first.
func (m *machine) onStart(ev startRequested) answer {
	switch m.phase {
	case created:
	case starting:
		return answer{kind: later}
	default:
		return answer{kind: pass}
	}
	m.enter(starting)
	m.recall()
	m.withheld = &withheldStart{at: ev.at, deadline: ev.deadline, traceparent: ev.traceparent}
	return answer{kind: withhold}
}

// keepDeadline ends what the withheld Start waits for before its deadline does.
// While the runtime's own start is under way that is the runtime's business.
func (m *machine) keepDeadline() {
	if d := m.withheld.deadline; !d.IsZero() {
		early := min(replyBefore, d.Sub(m.withheld.at)/4)
		m.do(setTimerAt{startTimer, d.Add(-early)}, setTimerAt{replyTimer, d.Add(-early / 4)})
	}
}

func (m *machine) onStarted(ev startReturned) {
	if m.phase != starting {
		// SIGKILL or the exit came first; an exit has resolved Start already.
		if ev.err != nil && m.withheld != nil {
			m.resolve(ev.err)
		}
		return
	}
	switch {
	case ev.err != nil:
		m.startFailed(ev.started)
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
		m.do(runHook{hook: m.hooks.PostStart, traceparent: m.withheld.traceparent})
	}
}

// startFailed follows an error of the runtime's start, which the client has from
// the runtime. The init is parked still, or runs: a start that was cut off may
// have let it go. A stop signal that was absorbed meanwhile is due either way.
func (m *machine) startFailed(started bool) {
	m.withheld = nil
	switch {
	case !started:
		m.enter(created)
		if m.stop != nil {
			m.send()
		}
	case m.doomed:
		m.kill()
	case m.stop != nil:
		m.beginStop()
	default:
		m.enter(running)
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
		m.do(stopTimer{startTimer}, stopTimer{replyTimer})
	}
}

// stopFailed stops a container whose postStart failed, as the kubelet does:
// preStop, stop signal, grace period, SIGKILL; cut before Start's deadline.
func (m *machine) stopFailed(r hooks.Result) {
	m.withheld.cause = &postStartError{result: r}
	m.stop = &delivery{signal: m.stopSignal(), traceparent: m.withheld.traceparent}
	if d := m.withheld.deadline; !d.IsZero() {
		m.do(setTimerAt{cutTimer, d.Add(-cutBefore)})
	}
	m.beginStop()
}
