package hooks

import (
	"slices"
	"strings"
	"time"
)

// maxRetries keeps a retried hook from being a loop that no one meant.
const maxRetries = 1000

// timeoutUnset marks a hook whose author gave no timeout, until the node's
// default takes its place.
const timeoutUnset = time.Duration(-1)

// hook reads one lifecycle handler and what bookend adds to it:
//
//	exec, httpGet, sleep:  exactly one of them
//	timeoutSeconds:        0 or more; 0: no limit; also as exec.timeoutSeconds
//	retries:               0 to 1000
//	output:                records or container
//	failurePolicy:         Kill or Ignore; postStart only
func (g grammar) hook(v *value, point Point) (*Hook, error) {
	known := append(handlerFields(), FieldTimeout, "retries", "output")
	if point == PostStart {
		known = append(known, "failurePolicy")
	}
	t := v.table(known...)
	h := &Hook{Point: point, Timeout: timeoutUnset, FailurePolicy: Kill, Output: OutputRecords}
	g.handler(t, h)
	if f := t.get(FieldTimeout); f != nil && h.Timeout != timeoutUnset {
		return nil, f.fail("must not be set beside exec.timeoutSeconds")
	}
	optional(t, FieldTimeout, &h.Timeout, g.timeout(point))
	optional(t, "retries", &h.Retries, g.retries)
	optional(t, "output", &h.Output, g.output)
	optional(t, "failurePolicy", &h.FailurePolicy, oneOf(Kill, Ignore))
	return h, t.err
}

// handlerFields are the fields of which a hook has one.
func handlerFields() []string { return append(slices.Clone(handlerNames), HandlerTCPSocket) }

// timeout reads the timeout of a hook at point, wherever it is written.
func (g grammar) timeout(point Point) func(*value) (time.Duration, error) {
	return func(v *value) (time.Duration, error) {
		d, err := v.seconds()
		if err != nil || g.policy == nil {
			return d, err
		}
		if highest := g.policy.maxTimeout(point); highest > 0 && (d == 0 || d > highest) {
			return 0, v.fail("must be between 1 and %d on this node (policy.max%sTimeoutSeconds), got %s",
				highest/time.Second, strings.ToUpper(string(point[:1]))+string(point[1:]), short(v.text))
		}
		return d, nil
	}
}

func (g grammar) retries(v *value) (int, error) {
	n, err := v.integer(0, maxRetries)
	if err == nil && g.policy != nil && int(n) > g.policy.MaxRetries {
		err = v.fail("must be <= %d on this node (policy.maxRetries), got %d", g.policy.MaxRetries, n)
	}
	return int(n), err
}

func (g grammar) output(v *value) (Output, error) {
	o, err := oneOf(OutputRecords, OutputContainer)(v)
	if err == nil && o == OutputContainer && g.policy != nil && !g.policy.AllowContainerOutput {
		err = v.fail("must be records on this node (policy.allowContainerOutput), got %s", quote(v.text))
	}
	return o, err
}

// handler reads the one handler of a hook into h.
func (g grammar) handler(t *table, h *Hook) {
	var names []string
	for _, name := range handlerFields() {
		if t.get(name) != nil {
			names = append(names, name)
		}
	}
	switch {
	case t.err != nil:
		return
	case len(names) == 0:
		t.err = t.fail("must have a handler: exec, httpGet or sleep")
		return
	case len(names) > 1:
		t.err = t.fail("must have a single handler, got %s", strings.Join(names, " and "))
		return
	}
	f := t.get(names[0])
	if t.err = g.allowed(f, names[0]); t.err != nil {
		return
	}
	switch names[0] {
	case HandlerExec:
		h.Exec, t.err = g.exec(f, h)
	case HandlerHTTPGet:
		h.HTTPGet, t.err = g.httpGet(f)
	case HandlerSleep:
		h.Sleep, t.err = readSleep(f)
	default:
		t.err = f.fail("is not supported: Kubernetes accepts it here but has never carried it out; use exec, httpGet or sleep")
	}
}

// allowed tells whether policy lets a hook have the handler name.
func (g grammar) allowed(v *value, name string) error {
	// tcpSocket, which no one has, is refused for a better reason.
	if g.policy == nil || !slices.Contains(handlerNames, name) || slices.Contains(g.policy.AllowHandlers, name) {
		return nil
	}
	if len(g.policy.AllowHandlers) == 0 {
		return v.fail("is not allowed on this node (policy.allowHandlers), no handler is")
	}
	return v.fail("is not allowed on this node (policy.allowHandlers), use %s", strings.Join(g.policy.AllowHandlers, " or "))
}

// readSleep reads a SleepAction. As in Kubernetes, absent seconds are 0.
func readSleep(v *value) (*Sleep, error) {
	t := v.table("seconds")
	s := &Sleep{}
	optional(t, "seconds", &s.Duration, (*value).seconds)
	return s, t.err
}
