package admission

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"

	"bookend.dev/bookend/hooks"
)

// plan is what becomes of the fields of one container's lifecycle.
type plan struct {
	added  []field  // to the annotation
	gone   []string // from the container
	copied bool     // the annotation has the container's stopSignal then
	count  int      // of the lifecycle's fields
}

// move moves the lifecycle of a container into its annotation. It returns the new
// lifecycle; nil: the annotation is as it was.
func (c *carrier) move(one *container, own *own) *hooks.Lifecycle {
	plan, ok := c.plan(one, own)
	if !ok {
		return nil
	}
	if len(plan.added) == 0 {
		c.remove(one, plan, own.lifecycle)
		return nil
	}
	if seconds, known := c.grace(); known && plan.carries() && own.document.field(hooks.FieldGracePeriod) == nil {
		plan.added = append(plan.added, field{hooks.FieldGracePeriod, json.RawMessage(strconv.FormatInt(seconds, 10))})
	}
	text, err := own.add(plan.added)
	if err != nil {
		c.leave(one, own, "", "cannot join the annotation "+keyOf(one)+": "+err.Error())
		return nil
	}
	lifecycle, err := c.resolve(one, text)
	if err != nil {
		path, message := placeOf(err, one)
		c.leave(one, own, path[len(annotationPath(keyOf(one))):], message)
		return nil
	}
	if !c.keeps(own, lifecycle) {
		c.leave(one, own, "", "cannot join the annotation "+keyOf(one)+": it would mean something else")
		return nil
	}
	if !c.set(keyOf(one), text) {
		c.leave(one, own, "", "does not fit into the pod's annotations, of which there may be "+strconv.Itoa(maxAnnotations>>10)+" KiB")
		return nil
	}
	c.remove(one, plan, lifecycle)
	return lifecycle
}

// plan decides field by field; false: the whole lifecycle is left alone.
func (c *carrier) plan(one *container, own *own) (plan, bool) {
	fields, err := fieldsOf(one.Lifecycle)
	if err != nil {
		c.leave(one, own, "", "must be a mapping")
		return plan{}, false
	}
	p := plan{count: len(fields)}
	for _, f := range fields {
		written := own.document.field(f.name)
		switch {
		case written == nil && f.name == hooks.FieldPreStop && one.isSidecar() && c.sidecars == SidecarKubelet:
			p.added = append(p.added, field{f.name, json.RawMessage("null")})
		case written == nil && f.name == hooks.FieldStopSignal:
			p.added, p.copied = append(p.added, f), true
		case written == nil:
			p.added = append(p.added, f)
			p.gone = append(p.gone, f.name)
		case isNull(written): // its author leaves it to the kubelet
		case f.name == hooks.FieldStopSignal && string(f.value) == strconv.Quote(written.Value): // copied before
			p.copied = true
		case c.same(one, own, f): // moved before, and added again
			p.gone = append(p.gone, f.name)
		default:
			c.leave(one, own, "."+f.name, "is in the container's annotation too, merge the two")
			return plan{}, false
		}
	}
	return p, true
}

// same tells whether a hook of the container does what the annotation's does.
func (c *carrier) same(one *container, own *own, f field) bool {
	its, err := c.resolve(one, "{"+f.text()+"}")
	if err != nil || its == nil || own.lifecycle == nil {
		return false
	}
	return f.name == hooks.FieldPostStart && reflect.DeepEqual(its.PostStart, own.lifecycle.PostStart) ||
		f.name == hooks.FieldPreStop && reflect.DeepEqual(its.PreStop, own.lifecycle.PreStop)
}

// carries tells whether anything is added but that a hook is the kubelet's.
func (p plan) carries() bool {
	return slices.ContainsFunc(p.added, func(f field) bool { return string(f.value) != "null" })
}

// keeps tells whether a lifecycle has all that the annotation said before.
func (c *carrier) keeps(own *own, lifecycle *hooks.Lifecycle) bool {
	old := own.lifecycle
	if old == nil {
		return true
	}
	return (old.PostStart == nil || reflect.DeepEqual(old.PostStart, lifecycle.PostStart)) &&
		(old.PreStop == nil || reflect.DeepEqual(old.PreStop, lifecycle.PreStop)) &&
		(old.StopSignal == 0 || old.StopSignal == lifecycle.StopSignal) &&
		(own.document.field(hooks.FieldStopSignals) == nil || slices.Equal(old.StopSignals, lifecycle.StopSignals)) &&
		reflect.DeepEqual(old.GracePeriod, lifecycle.GracePeriod)
}

// remove takes out of the container what is in the annotation now.
func (c *carrier) remove(one *container, p plan, lifecycle *hooks.Lifecycle) {
	if p.copied && !triggers(lifecycle) {
		p.gone = append(p.gone, hooks.FieldStopSignal)
	}
	if len(p.gone) > 0 && len(p.gone) == p.count {
		c.verdict.patch("remove", one.pointer(), nil)
		return
	}
	for _, name := range p.gone {
		c.verdict.patch("remove", one.pointer()+"/"+escape(name), nil)
	}
}

// triggers tells whether the container's own stop signal may come, because it
// triggers the preStop or there is none.
func triggers(l *hooks.Lifecycle) bool {
	return l.PreStop == nil || slices.Contains(l.StopSignals, l.StopSignal)
}

// leave warns of a lifecycle that stays with the kubelet, because of what is at the
// path in it.
func (c *carrier) leave(one *container, own *own, path, message string) {
	c.verdict.warn(one.path()+".lifecycle"+path, "%s; the kubelet runs the hooks of %q", message, one.Name)
	c.renounce(one, own)
}

// renounce writes that the hooks of a lifecycle are the kubelet's, where it has a preStop
// beside which the node's default would run. The other fields are written too: else
// admitting the pod again would move those that can be carried.
func (c *carrier) renounce(one *container, own *own) {
	fields, err := fieldsOf(one.Lifecycle)
	if err != nil || own.document.field(hooks.FieldPreStop) != nil {
		return
	}
	var nulls []field
	preStop := false
	for _, f := range fields {
		preStop = preStop || f.name == hooks.FieldPreStop
		if slices.Contains(lifecycleFields, f.name) && own.document.field(f.name) == nil {
			nulls = append(nulls, field{f.name, json.RawMessage("null")})
		}
	}
	if !preStop {
		return
	}
	text, err := own.add(nulls)
	if err == nil {
		var lifecycle *hooks.Lifecycle
		lifecycle, err = c.resolve(one, text)
		if err == nil && c.keeps(own, lifecycle) && c.set(keyOf(one), text) {
			return
		}
	}
	c.verdict.warn(one.path()+".lifecycle.preStop", "the annotation %s cannot say so: where a node has a default preStop, both run", keyOf(one))
}

// lifecycleFields are those that a container's lifecycle and its annotation share.
var lifecycleFields = []string{hooks.FieldPostStart, hooks.FieldPreStop, hooks.FieldStopSignal}
