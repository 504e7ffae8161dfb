package admission

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Update decides about the change of a pod that exists, through whichever of its
// subresources, in a namespace with these labels. Only ephemeral containers can
// join, and a lifecycle that was moved before is moved again. Its error matches
// [ErrMalformed].
func (a *Admitter) Update(old, changed []byte, namespace map[string]string) (*Verdict, error) {
	was, err := readPod(old)
	if err != nil {
		return nil, err
	}
	is, err := readPod(changed)
	if err != nil {
		return nil, err
	}
	v := &Verdict{}
	if was.isForeign() || !a.runs(was.class()) {
		return v, nil
	}
	if key, differs := difference(was.annotations(), is.annotations()); differs {
		v.refuse(annotationPath(key), "must not change: a pod's hooks are fixed when it is created, as its containers' lifecycle is")
		return v, nil
	}
	a.join(was, is, namespace, v)
	if v.Refused == "" {
		a.takeAgain(was, is, v)
	}
	return v, nil
}

// takeAgain removes from containers what was moved into their annotations before.
// `kubectl apply` of the same manifest adds it again, and the API server would refuse
// that as a change. Any other change of a lifecycle is the API server's to refuse.
func (a *Admitter) takeAgain(was, is *pod, v *Verdict) {
	if _, twins := is.names(); twins {
		return
	}
	before := map[string]json.RawMessage{}
	for _, one := range was.all() {
		before[one.Name] = one.Lifecycle
	}
	silent := &Verdict{}
	c := a.newCarrier(is, silent)
	for _, one := range is.all() {
		if !one.mayHaveLifecycle() || bytes.Equal(one.Lifecycle, before[one.Name]) {
			continue
		}
		own, err := c.own(&one)
		if err != nil {
			continue // since before
		}
		if plan, ok := c.plan(&one, own); ok && len(plan.added) == 0 {
			c.remove(&one, plan, own.lifecycle)
		}
	}
	v.Patch = append(v.Patch, silent.Patch...)
}

// difference returns the first annotation of bookend's that is not the same in
// both.
func difference(was, is map[string]string) (key string, differs bool) {
	keys := slices.Concat(slices.Collect(maps.Keys(was)), slices.Collect(maps.Keys(is)))
	slices.Sort(keys)
	for _, key := range keys {
		before, had := was[key]
		after, has := is[key]
		if isOurs(key) && (had != has || before != after) {
			return key, true
		}
	}
	return "", false
}

// join checks the annotations of ephemeral containers that are new.
func (a *Admitter) join(was, is *pod, namespace map[string]string, v *Verdict) {
	present, _ := was.names()
	if _, twins := is.names(); twins {
		return
	}
	c := a.newCarrier(is, v)
	for _, one := range is.Spec.EphemeralContainers {
		if present[one.Name] {
			continue
		}
		own, err := c.own(&one)
		if err != nil {
			v.refuse(placeOf(err, &one))
			return
		}
		c.noteHosts(&one, own.lifecycle)
	}
	a.securePod(c.hosts, namespace, v)
}

// Bind decides about a Binding, whose annotations the API server adds to those of
// its pod. Its error matches [ErrMalformed].
func (a *Admitter) Bind(raw []byte) (*Verdict, error) {
	var binding struct {
		Metadata metadata `json:"metadata"`
	}
	if err := read(raw, &binding); err != nil {
		return nil, fmt.Errorf("binding: %w", err)
	}
	v := &Verdict{}
	if key, has := difference(nil, binding.Metadata.Annotations); has {
		v.refuse(annotationPath(key), "must not be in a Binding: it would change the hooks of a pod that exists")
	}
	return v, nil
}
