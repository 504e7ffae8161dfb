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

// read reads the section; policy is the same file's.
func (d *Defaults) read(v *value, policy *Policy) error {
	t, err := v.table(FieldPreStop, "postStartTimeoutSeconds", "preStopTimeoutSeconds")
	if err != nil {
		return err
	}
	if d.PostStartTimeout, err = readDefaultTimeout(t, "postStartTimeoutSeconds", d.PostStartTimeout, policy.MaxPostStartTimeout); err != nil {
		return err
	}
	if d.PreStopTimeout, err = readDefaultTimeout(t, "preStopTimeoutSeconds", d.PreStopTimeout, policy.MaxPreStopTimeout); err != nil {
		return err
	}
	if f := t.get(FieldPreStop); f != nil {
		g := grammar{namedPort: noNamedPort}
		if d.PreStop, err = g.hook(f, PreStop); err != nil {
			return err
		}
		if err := d.PreStop.withTimeout(d.PreStopTimeout).fits(f); err != nil {
			return err
		}
		d.PreStop.byDefault = true
	}
	return nil
}

// readDefaultTimeout refuses a default that no annotation might ask for. The 0
// that means no limit is not one: the maximum is the limit then.
func readDefaultTimeout(t *table, name string, absent, highest time.Duration) (time.Duration, error) {
	d, err := t.seconds(name, absent)
	if err == nil && t.get(name) != nil && highest > 0 && d > highest {
		err = t.get(name).fail("must be <= %d, which policy has as the maximum, got %d", highest/time.Second, d/time.Second)
	}
	return d, err
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
