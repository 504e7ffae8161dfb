package hooks

import (
	"slices"
	"syscall"
)

// Signals that have another number elsewhere, or none.
const (
	sigCont   = syscall.Signal(18)
	sigStop   = syscall.Signal(19)
	sigRTMin3 = syscall.Signal(34 + 3) // asks systemd, as a container's init, to shut down
)

// defaultStopSignals are the signals that mean "stop" where no one said
// otherwise.
func defaultStopSignals() []syscall.Signal {
	return []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, sigRTMin3}
}

// canTrigger tells whether a signal may trigger preStop. SIGKILL must never
// wait for a hook; SIGSTOP and SIGCONT suspend and resume a process, and to
// hold them back would break that without stopping anything.
func canTrigger(s syscall.Signal) bool {
	return s != syscall.SIGKILL && s != sigStop && s != sigCont
}

// stopSignalSet returns the set of signals that trigger preStop. What the author
// listed is the set; otherwise it is the default and the container's own
// stopSignal.
func stopSignalSet(listed []syscall.Signal, own syscall.Signal) []syscall.Signal {
	if listed != nil {
		return listed
	}
	set := defaultStopSignals()
	if own != 0 && canTrigger(own) && !slices.Contains(set, own) {
		set = append(set, own)
	}
	return set
}

// signal reads a signal's name as Kubernetes spells it: "SIGTERM",
// "SIGRTMIN+3". Numbers and other spellings are refused, as there, with the name
// that is meant.
func (v *value) signal() (syscall.Signal, error) {
	meant := meantSignal(v.text)
	switch {
	case v.kind == kindInt && meant != "":
		return 0, v.fail("must be the name of a signal: write %s, got %s", meant, short(v.text))
	case v.kind != kindString && v.kind != kindInt:
		return 0, v.wrongKind(kindString)
	case v.kind == kindString && meant == v.text && meant != "":
		return signalNamed(meant), nil
	case meant != "":
		return 0, v.fail("must be the name of a signal: write %s, got %s", meant, quote(v.text))
	}
	return 0, v.fail("must be the name of a signal such as SIGTERM or SIGRTMIN+3, got %s", quote(v.text))
}

// stopSignals reads the set of signals that trigger preStop.
func (v *value) stopSignals() ([]syscall.Signal, error) {
	items, err := v.list()
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, v.fail("must not be empty")
	}
	var set []syscall.Signal
	for _, item := range items {
		meant := meantSignal(item.text)
		s, err := item.signal()
		switch {
		case meant != "" && !canTrigger(signalNamed(meant)): // in whatever spelling
			return nil, item.fail("%s cannot trigger preStop", meant)
		case err != nil:
			return nil, err
		case slices.Contains(set, s):
			return nil, item.fail("%s is listed twice", item.text)
		}
		set = append(set, s)
	}
	return set, nil
}
