package hooks

import (
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
//	failurePolicy:         Kill or Ignore; postStart only
func (g grammar) hook(v *value, point Point) (*Hook, error) {
	known := []string{"exec", "httpGet", "sleep", "tcpSocket", "timeoutSeconds", "retries"}
	if point == PostStart {
		known = append(known, "failurePolicy")
	}
	t, err := v.table(known...)
	if err != nil {
		return nil, err
	}
	h := &Hook{Point: point, Timeout: timeoutUnset, FailurePolicy: Kill}
	if err := g.handler(t, h); err != nil {
		return nil, err
	}
	if f := t.get("timeoutSeconds"); f != nil {
		if h.Timeout != timeoutUnset {
			return nil, f.fail("must not be set beside exec.timeoutSeconds")
		}
		if h.Timeout, err = f.seconds(); err != nil {
			return nil, err
		}
	}
	if f := t.get("retries"); f != nil {
		n, err := f.integer(0, maxRetries)
		if err != nil {
			return nil, err
		}
		h.Retries = int(n)
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

// handler reads the one handler of a hook into h.
func (g grammar) handler(t *table, h *Hook) (err error) {
	var names []string
	for _, name := range []string{"exec", "httpGet", "sleep", "tcpSocket"} {
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
	switch names[0] {
	case "exec":
		h.Exec, h.Timeout, err = g.exec(f)
	case "httpGet":
		h.HTTPGet, err = g.httpGet(f)
	case "sleep":
		h.Sleep, err = g.sleep(f)
	default:
		err = f.fail("is not supported: Kubernetes accepts it here but has never carried it out; use exec, httpGet or sleep")
	}
	return err
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
