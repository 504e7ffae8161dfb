package shim

import (
	"slices"

	"bookend.dev/bookend/hooks"
)

// onStop answers a stop signal to the init. It is asked for signals of the
// container's stop set only.
func (m *machine) onStop(d delivery) answer {
	switch m.phase {
	case starting, postStart, judging:
		return m.stopWhileStarting(d)
	case preStop, killing:
		return answer{kind: absorb}
	case delivering:
		m.sending.awaited = true
		return answer{kind: absorb}
	case running:
		return m.stopRunning(d)
	default:
		return answer{kind: pass}
	}
}

// stopWhileStarting cancels postStart; the stop goes on when it has ended.
func (m *machine) stopWhileStarting(d delivery) answer {
	if m.stop != nil {
		return answer{kind: absorb}
	}
	d = m.substitute(d)
	m.stop = &d
	switch m.phase {
	case postStart:
		m.withheld.cause = errStoppedWhileStarting
		m.do(cancelHook{})
	case judging:
		m.withheld.cause = errStoppedWhileStarting
		m.do(stopTimer{judgeTimer})
		m.cancelled(*m.suspect)
		m.beginStop()
	}
	return answer{kind: absorb}
}

// stopRunning begins a stop. With a preStop the client is answered at once;
// without one the signal goes on the client's own call.
func (m *machine) stopRunning(d delivery) answer {
	d = m.substitute(d)
	if m.preStopRuns() {
		m.stop = &d
		m.beginStop()
		return answer{kind: absorb}
	}
	if m.hooks.StopSignal == 0 {
		return answer{kind: pass}
	}
	m.enter(delivering)
	m.sending = &sending{signal: d}
	return answer{kind: deliver, signal: d}
}

// beginStop runs preStop, if there is one to run, and then delivers the signal
// that waits.
func (m *machine) beginStop() {
	if !m.preStopRuns() {
		m.deliver()
		return
	}
	m.enter(preStop)
	hook := runHook{hook: m.hooks.PreStop, traceparent: m.stop.traceparent}
	if m.hooks.GracePeriod != nil || m.stopsFailed() {
		hook.bound = m.hooks.PreStopBound()
	}
	m.do(hook)
}

// preStopRuns tells whether this container has a preStop to run. A grace
// period of nothing leaves it no time, as in the kubelet.
func (m *machine) preStopRuns() bool {
	return m.hooks.PreStop != nil && (m.hooks.GracePeriod == nil || *m.hooks.GracePeriod > 0)
}

func (m *machine) substitute(d delivery) delivery {
	if m.hooks.StopSignal != 0 {
		d.signal = m.hooks.StopSignal
	}
	return d
}

// isStopSignal tells whether a signal is one that means "stop" to this container.
func isStopSignal(l *hooks.Lifecycle, d delivery) bool {
	return slices.Contains(l.StopSignals, d.signal)
}
