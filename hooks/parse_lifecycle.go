package hooks

import (
	"syscall"
	"time"
)

// grammar is what the reader of a document must know besides the document.
type grammar struct {
	policy *Policy // nil: the node's own configuration, which nothing bounds
	// namedPort finds the number of the container's port that a string names.
	namedPort func(name *value) (int, error)
}

// written is a Lifecycle object as it was written, before defaults: the
// difference between "absent" and "null" is kept where it matters.
type written struct {
	postStart, preStop *Hook
	preStopSet         bool // preStop is written, be it as null
	stopSignals        []syscall.Signal
	stopSignal         syscall.Signal
	gracePeriod        *time.Duration
}

// lifecycle reads a Lifecycle object:
//
//	postStart, preStop:              a handler, see hook
//	stopSignal:                      "SIGUSR1"
//	stopSignals:                     ["SIGTERM", "SIGRTMIN+3"]
//	terminationGracePeriodSeconds:   60
func (g grammar) lifecycle(v *value) (written, error) {
	t := v.table(LifecycleFields()...)
	w := written{preStopSet: v.field(FieldPreStop) != nil}
	optional(t, FieldPostStart, &w.postStart, func(f *value) (*Hook, error) { return g.hook(f, PostStart) })
	optional(t, FieldPreStop, &w.preStop, func(f *value) (*Hook, error) { return g.hook(f, PreStop) })
	optional(t, FieldStopSignal, &w.stopSignal, (*value).signal)
	optional(t, FieldStopSignals, &w.stopSignals, (*value).stopSignals)
	optional(t, FieldGracePeriod, &w.gracePeriod, func(f *value) (*time.Duration, error) {
		d, err := f.seconds()
		return &d, err
	})
	return w, t.err
}
