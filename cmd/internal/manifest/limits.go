package manifest

import (
	"strconv"
	"strings"
	"time"

	"bookend.dev/bookend/hooks"
)

// startLimit is what the kubelet gives a container's start by default
// (runtimeRequestTimeout), postStart included.
const startLimit = 2 * time.Minute

// limits is who else limits a container's hooks.
type limits struct {
	kubelet  bool   // a kubelet starts the container
	podGrace *int64 // the pod's terminationGracePeriodSeconds; nil: there is no pod
	sidecar  bool   // it is a native sidecar
	// stopSignal is what the client sends, "": the image's, which is not known.
	stopSignal string
}

// limits warns of hooks in l that cannot do what they say, or not in the time
// they have. v is where they are written; l may be nil.
func (r *reporter) limits(v *value, l *hooks.Lifecycle, by limits) {
	if l == nil {
		return
	}
	r.gracePeriod(v, l, by)
	r.stopSignal(v, l, by)
	if l.PostStart != nil && field(v.root, hooks.FieldPostStart) != nil {
		r.sleepTimeout(v, l.PostStart)
		if by.kubelet {
			r.startLimit(v, l.PostStart)
		}
	}
	if l.PreStop != nil && field(v.root, hooks.FieldPreStop) != nil {
		r.sleepTimeout(v, l.PreStop)
		r.sleepGrace(v, l)
		if by.sidecar {
			r.warn(v, []string{hooks.FieldPreStop},
				"is a sidecar's: the kubelet runs it when the pod begins to end, bookend when the sidecar itself is stopped, after the pod's containers, with what is left of the grace period")
		}
	}
	r.command(v, hooks.PostStart)
	r.command(v, hooks.PreStop)
}

// warn warns of a field of the value.
func (r *reporter) warn(v *value, names []string, format string, args ...any) {
	r.add(Warning, v.lineOf(names...), join(v.path, strings.Join(names, ".")), format, args...)
}

// gracePeriod warns of a promise that the pod does not keep.
func (r *reporter) gracePeriod(v *value, l *hooks.Lifecycle, by limits) {
	const name = hooks.FieldGracePeriod
	if by.podGrace == nil || field(v.root, name) == nil || l.GracePeriod == nil {
		return
	}
	if pod := time.Duration(*by.podGrace) * time.Second; *l.GracePeriod > pod && pod >= 0 {
		r.warn(v, []string{name}, "%s is longer than the pod's own %s of %s, after which the kubelet kills the container", seconds(*l.GracePeriod), name, seconds(pod))
	}
}

// sleepTimeout warns of a sleep that its own timeout always ends.
func (r *reporter) sleepTimeout(v *value, h *hooks.Hook) {
	if d, names := sleeps(h); d > 0 && h.Timeout > 0 && d >= h.Timeout {
		r.warn(v, names, "%s is not shorter than the hook's timeout of %s: it always fails", seconds(d), seconds(h.Timeout))
	}
}

// sleepGrace warns of a preStop sleep that the end of the grace period cuts.
func (r *reporter) sleepGrace(v *value, l *hooks.Lifecycle) {
	d, names := sleeps(l.PreStop)
	if bound := l.PreStopBound(); d > bound && l.GracePeriod != nil {
		r.warn(v, names, "%s does not fit into the grace period of %s: the hook is cut after %s, to leave the stop signal its time", seconds(d), seconds(l.Grace()), seconds(bound))
	}
}

// sleeps returns how long a hook sleeps at least, and the field that says so; 0:
// not known.
func sleeps(h *hooks.Hook) (d time.Duration, names []string) {
	switch {
	case h.Sleep != nil:
		return h.Sleep.Duration, []string{string(h.Point), hooks.HandlerSleep, "seconds"}
	case h.Exec != nil:
		return commandSleeps(h.Exec.Command), []string{string(h.Point), hooks.HandlerExec, "command"}
	}
	return 0, nil
}

// startLimit warns of a postStart that the kubelet may not wait for.
func (r *reporter) startLimit(v *value, h *hooks.Hook) {
	const tail = "the kubelet waits no longer than 120s for a container to start"
	names := []string{string(h.Point), hooks.FieldTimeout}
	if exec := field(field(v.root, string(h.Point)), hooks.HandlerExec); field(exec, hooks.FieldTimeout) != nil {
		names = []string{string(h.Point), hooks.HandlerExec, hooks.FieldTimeout}
	}
	switch {
	case h.Sleep != nil && h.Sleep.Duration < startLimit:
	case h.Timeout == 0:
		r.warn(v, names, "without a limit the hook may run too long: %s", tail)
	case h.Timeout >= startLimit:
		r.warn(v, names, "with %s the hook may run too long: %s", seconds(h.Timeout), tail)
	}
}

// seconds renders a duration as manifests do.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s" }
