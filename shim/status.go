package shim

import (
	"time"

	"bookend.dev/bookend/hooks"
)

// taskStatus is where a container with hooks stands, to onlookers.
type taskStatus struct {
	phase             phase
	hook              hooks.Point // that runs; empty: none
	started, deadline time.Time   // of the hook; the zero deadline: none
	undelivered       time.Time   // since when a stop signal does not get through; zero: none
}

// runningHook is the hook that a task runs.
type runningHook struct {
	point             hooks.Point
	started, deadline time.Time // by its timeout and bound
}

func newRunningHook(a runHook) *runningHook {
	r := &runningHook{point: a.hook.Point, started: time.Now()}
	for _, limit := range []time.Duration{a.hook.Timeout, a.bound} {
		if limit > 0 {
			r.deadline = earlier(r.deadline, r.started.Add(limit))
		}
	}
	return r
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
	st := taskStatus{phase: l.machine.phase}
	if l.undeliveredEnd != nil {
		st.undelivered = l.due
	}
	if h := l.hook; h != nil {
		st.hook, st.started, st.deadline = h.point, h.started, h.deadline
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
