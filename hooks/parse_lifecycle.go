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
	var w written
	t, err := v.table(LifecycleFields()...)
	if err != nil {
		return w, err
	}
	if f := t.get(FieldPostStart); f != nil {
		if w.postStart, err = g.hook(f, PostStart); err != nil {
			return w, err
		}
	}
	w.preStopSet = t.has(FieldPreStop)
	if f := t.get(FieldPreStop); f != nil {
		if w.preStop, err = g.hook(f, PreStop); err != nil {
			return w, err
		}
	}
	if f := t.get(FieldStopSignal); f != nil {
		if w.stopSignal, err = f.signal(); err != nil {
			return w, err
		}
	}
	if f := t.get(FieldStopSignals); f != nil {
		if w.stopSignals, err = f.stopSignals(); err != nil {
			return w, err
		}
	}
	if f := t.get(FieldGracePeriod); f != nil {
		d, err := f.seconds()
		if err != nil {
			return w, err
		}
		w.gracePeriod = &d
	}
	return w, nil
}
