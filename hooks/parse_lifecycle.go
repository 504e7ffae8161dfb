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
	t, err := v.table("postStart", "preStop", "stopSignal", "stopSignals", "terminationGracePeriodSeconds")
	if err != nil {
		return w, err
	}
	if f := t.get("postStart"); f != nil {
		if w.postStart, err = g.hook(f, PostStart); err != nil {
			return w, err
		}
	}
	w.preStopSet = t.has("preStop")
	if f := t.get("preStop"); f != nil {
		if w.preStop, err = g.hook(f, PreStop); err != nil {
			return w, err
		}
	}
	if f := t.get("stopSignal"); f != nil {
		if w.stopSignal, err = f.signal(); err != nil {
			return w, err
		}
	}
	if f := t.get("stopSignals"); f != nil {
		if w.stopSignals, err = f.stopSignals(); err != nil {
			return w, err
		}
	}
	if f := t.get("terminationGracePeriodSeconds"); f != nil {
		d, err := f.seconds()
		if err != nil {
			return w, err
		}
		w.gracePeriod = &d
	}
	return w, nil
}
