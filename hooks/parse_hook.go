package hooks

import (
	"slices"
	"strings"
	"time"
)

// maxRetries keeps a retried hook from being a loop that nobody meant.
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
	t, err := v.table(known...)
	if err != nil {
		return nil, err
	}
	h := &Hook{Point: point, Timeout: timeoutUnset, FailurePolicy: Kill, Output: OutputRecords}
	if err := g.handler(t, h); err != nil {
		return nil, err
	}
	if f := t.get(FieldTimeout); f != nil {
		if h.Timeout != timeoutUnset {
			return nil, f.fail("must not be set beside exec.timeoutSeconds")
		}
		if h.Timeout, err = g.timeout(f, point); err != nil {
			return nil, err
		}
	}
	if h.Retries, err = g.retries(t); err != nil {
		return nil, err
	}
	if f := t.get("output"); f != nil {
		if h.Output, err = g.output(f); err != nil {
			return nil, err
		}
	}
	if f := t.get("failurePolicy"); f != nil {
		s, err := f.enum(string(Kill), string(Ignore))
		if err != nil {
			return nil, err
		}
		h.FailurePolicy = FailurePolicy(s)
	}
	return h, nil
}

// handlerFields are the fields of which a hook has one.
func handlerFields() []string { return append(slices.Clone(handlerNames), HandlerTCPSocket) }

// timeout reads the timeout of a hook at point, wherever it is written.
func (g grammar) timeout(v *value, point Point) (time.Duration, error) {
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

func (g grammar) retries(t *table) (int, error) {
	n, err := t.integer("retries", 0, maxRetries, 0)
	if err == nil && g.policy != nil && int(n) > g.policy.MaxRetries {
		err = t.get("retries").fail("must be <= %d on this node (policy.maxRetries), got %d", g.policy.MaxRetries, n)
	}
	return int(n), err
}

func (g grammar) output(v *value) (Output, error) {
	s, err := v.enum(string(OutputRecords), string(OutputContainer))
	if err == nil && Output(s) == OutputContainer && g.policy != nil && !g.policy.AllowContainerOutput {
		err = v.fail("must be records on this node (policy.allowContainerOutput), got %s", quote(s))
	}
	return Output(s), err
}

// handler reads the one handler of a hook into h.
func (g grammar) handler(t *table, h *Hook) (err error) {
	var names []string
	for _, name := range handlerFields() {
		if t.get(name) != nil {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return t.fail("must have a handler: exec, httpGet or sleep")
	case len(names) > 1:
		return t.fail("must have a single handler, got %s", strings.Join(names, " and "))
	}
	f := t.get(names[0])
	if err := g.allowed(f, names[0]); err != nil {
		return err
	}
	switch names[0] {
	case HandlerExec:
		h.Exec, h.Timeout, err = g.exec(f, h.Point)
	case HandlerHTTPGet:
		h.HTTPGet, err = g.httpGet(f)
	case HandlerSleep:
		h.Sleep, err = g.sleep(f)
	default:
		err = f.fail("is not supported: Kubernetes accepts it here but has never carried it out; use exec, httpGet or sleep")
	}
	return err
}

// allowed tells whether policy lets a hook have the handler name.
func (g grammar) allowed(v *value, name string) error {
	// tcpSocket, which nobody has, is refused for a better reason.
	if g.policy == nil || !slices.Contains(handlerNames, name) || slices.Contains(g.policy.AllowHandlers, name) {
		return nil
	}
	if len(g.policy.AllowHandlers) == 0 {
		return v.fail("is not allowed on this node (policy.allowHandlers), no handler is")
	}
	return v.fail("is not allowed on this node (policy.allowHandlers), use %s", strings.Join(g.policy.AllowHandlers, " or "))
}

// sleep reads a SleepAction. As in Kubernetes, absent seconds are 0.
func (g grammar) sleep(v *value) (*Sleep, error) {
	t, err := v.table("seconds")
	if err != nil {
		return nil, err
	}
	s := &Sleep{}
	if f := t.get("seconds"); f != nil {
		s.Duration, err = f.seconds()
	}
	return s, err
}
