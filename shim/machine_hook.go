package shim

import "bookend.dev/bookend/hooks"

func (m *machine) onHookEnded(r hooks.Result) {
	switch {
	case m.phase == killing || m.phase == killed || m.phase == exited:
		m.endedLate(r)
	case m.phase == postStart && m.stop != nil:
		// Cancelled for a stop signal; its result changes nothing.
		m.endedLate(r)
		m.beginStop()
	case r.Suspect:
		m.judge(r)
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

func (m *machine) hookRuns() bool { return m.phase == postStart || m.phase == preStop }

// judge begins to wait for an init's exit that would explain a failure.
func (m *machine) judge(r hooks.Result) {
	m.enter(judging)
	m.suspect, m.asked = &r, 0
	m.do(setTimer{judgeTimer, judgeTime})
}

// onJudged follows a look at the init: if it lives, the failure is one; if it
// is dying still, its exit will come. Neither is waited for without end.
func (m *machine) onJudged(init hooks.Liveness) {
	if m.phase != judging {
		return
	}
	if init == hooks.Gone && m.asked < judgeGone || init == hooks.CannotSay && m.asked < judgeUnknown {
		m.do(setTimer{judgeTimer, judgeTime})
		return
	}
	r := *m.suspect
	m.suspect = nil
	r.Suspect = false
	m.failed(r)
}

// cancelled reports a failure that the init's exit explains: not a failure.
func (m *machine) cancelled(r hooks.Result) {
	m.suspect = nil
	m.do(report{cancelledResult(r)})
}

// cancelledResult is the result of a hook whose container went away.
func cancelledResult(r hooks.Result) hooks.Result {
	if r.Outcome == hooks.Failed {
		r.Outcome, r.Cause, r.Suspect = hooks.Cancelled, hooks.CauseCancelled, false
	}
	return r
}
