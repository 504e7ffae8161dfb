package admission

import (
	"fmt"
	"maps"
	"slices"
)

// Update decides about the change of a pod that exists, through whichever of its
// subresources, in a namespace with these labels. Only ephemeral containers can
// join. Its error matches [ErrMalformed].
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
	return v, nil
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
