package shim

import (
	"time"

	"bookend.dev/bookend/hooks"
)

// taskStatus is where a container with hooks stands, to onlookers.
type taskStatus struct {
	phase phase
	hookStatus
	undelivered time.Time // since when a stop signal does not get through; zero: none
}

// hookStatus is the hook that a container runs.
type hookStatus struct {
	hook              hooks.Point // empty: none
	started, deadline time.Time   // the zero deadline: none
}

// statusOf is the status of a hook that starts now, with the deadline that its
// timeout and bound set.
func statusOf(a runHook) hookStatus {
	st := hookStatus{hook: a.hook.Point, started: time.Now()}
	for _, limit := range []time.Duration{a.hook.Timeout, a.bound} {
		if limit > 0 {
			st.deadline = earlier(st.deadline, st.started.Add(limit))
		}
	}
	return st
}

// earlier returns the earlier of two deadlines, of which the zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// status is where the task's container stands now. Its hook is cut by its own
// limits, or by what ends the withheld Start.
func (l *taskLoop) status() taskStatus {
	st := taskStatus{phase: l.machine.phase, hookStatus: l.hook}
	if l.undeliveredEnd != nil {
		st.undelivered = l.due
	}
	if st.hook != "" {
		st.deadline = earlier(st.deadline, l.ends[startTimer])
		st.deadline = earlier(st.deadline, l.ends[cutTimer])
	}
	return st
}

// postStatus tells where the container stands if that has changed.
func (l *taskLoop) postStatus() {
	if st := l.status(); l.posted == nil || *l.posted != st {
		l.posted = &st
		l.effects.postStatus(st)
	}
}
