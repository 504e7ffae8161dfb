package hooks

import (
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/moby/sys/signal"
	"golang.org/x/sys/unix"
)

// sigRTMin3 is what asks systemd, as a container's init, to shut down.
const sigRTMin3 = syscall.Signal(34 + 3)

// defaultStopSignals are the signals that mean "stop" where nobody said
// otherwise.
func defaultStopSignals() []syscall.Signal {
	return []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, sigRTMin3}
}

// SignalName is a signal's name as Kubernetes spells it: "SIGTERM",
// "SIGRTMIN+3". One without a name is its number.
func SignalName(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	for name, of := range signal.SignalMap {
		if of == s && strings.HasPrefix(name, "RTMIN") {
			return "SIG" + name
		}
	}
	for name, of := range signal.SignalMap {
		if of == s {
			return "SIG" + name
		}
	}
	return strconv.Itoa(int(s))
}

// canTrigger tells whether a signal may trigger preStop. SIGKILL must never
// wait for a hook; SIGSTOP and SIGCONT suspend and resume a process, and to
// hold them back would break that without stopping anything.
func canTrigger(s syscall.Signal) bool {
	return s != syscall.SIGKILL && s != syscall.SIGSTOP && s != syscall.SIGCONT
}

// triggers returns the set of signals that trigger preStop. What the author
// listed is the set; otherwise it is the default and the container's own
// stopSignal.
func triggers(listed []syscall.Signal, own syscall.Signal) []syscall.Signal {
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
// "SIGRTMIN+3". Numbers and other spellings are refused, as there.
func (v *value) signal() (syscall.Signal, error) {
	name, err := v.str()
	if err != nil {
		return 0, err
	}
	if short, ok := strings.CutPrefix(name, "SIG"); ok {
		if s, ok := signal.SignalMap[short]; ok {
			return s, nil
		}
	}
	return 0, v.fail("must be the name of a signal such as SIGTERM or SIGRTMIN+3, got %s", quote(name))
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
		s, err := item.signal()
		switch {
		case err != nil:
			return nil, err
		case !canTrigger(s):
			return nil, item.fail("%s cannot trigger preStop", item.text)
		case slices.Contains(set, s):
			return nil, item.fail("%s is listed twice", item.text)
		}
		set = append(set, s)
	}
	return set, nil
}
