package hooks

import (
	"cmp"
	"time"
)

// Defaults are what a container gets that asks for nothing else.
type Defaults struct {
	// PreStop is the preStop of every container without one; nil: none.
	PreStop *Hook
	// PostStartTimeout and PreStopTimeout limit hooks without a timeout of
	// their own; 0: no limit but that of policy, for those of annotations.
	PostStartTimeout, PreStopTimeout time.Duration
}

// defaultPostStartTimeout lies below the two minutes that the kubelet gives a
// Start, so that the reason of a timeout is told.
const defaultPostStartTimeout = 100 * time.Second

// read returns d with what the section says; policy is the same file's.
func (d Defaults) read(v *value, policy *Policy) (Defaults, error) {
	t := v.table(FieldPreStop, "postStartTimeoutSeconds", "preStopTimeoutSeconds")
	optional(t, "postStartTimeoutSeconds", &d.PostStartTimeout, atMost(policy.MaxPostStartTimeout))
	optional(t, "preStopTimeoutSeconds", &d.PreStopTimeout, atMost(policy.MaxPreStopTimeout))
	optional(t, FieldPreStop, &d.PreStop, func(f *value) (*Hook, error) {
		h, err := grammar{namedPort: noNamedPort}.hook(f, PreStop)
		if err != nil {
			return nil, err
		}
		h.byDefault = true
		return h, h.withTimeout(d.PreStopTimeout).fits(f)
	})
	return d, t.err
}

// atMost reads a default timeout and refuses one that no annotation might ask for.
// The 0 that means no limit is not one: the maximum is the limit then.
func atMost(highest time.Duration) func(*value) (time.Duration, error) {
	return func(v *value) (time.Duration, error) {
		d, err := v.seconds()
		if err == nil && highest > 0 && d > highest {
			err = v.fail("must be <= %d, which policy has as the maximum, got %d", highest/time.Second, d/time.Second)
		}
		return d, err
	}
}

// fits refuses a sleep that the hook's own timeout always ends: with it every
// stop on the node would fail its preStop.
func (h *Hook) fits(v *value) error {
	if h.Sleep == nil || h.Timeout == 0 || h.Sleep.Duration < h.Timeout {
		return nil
	}
	at := v.field(HandlerSleep)
	return cmp.Or(at.field("seconds"), at).fail("must be less than the timeout of preStop, which is %d, got %d", h.Timeout/time.Second, h.Sleep.Duration/time.Second)
}

// noNamedPort refuses named ports: a default is one for all containers.
func noNamedPort(v *value) (int, error) {
	return 0, v.fail("must be a number, %s may be another port in each container", quote(v.text))
}

// timeout is the limit of an annotation's hook that has none of its own.
func (c *Config) timeout(point Point) time.Duration {
	d := c.Defaults.PostStartTimeout
	if point == PreStop {
		d = c.Defaults.PreStopTimeout
	}
	if highest := c.Policy.maxTimeout(point); highest > 0 && (d == 0 || d > highest) {
		d = highest
	}
	return d
}
