package admission

import (
	"maps"

	"bookend.dev/bookend/hooks"
)

// maxAnnotations is the API server's limit on the annotations of an object, keys
// and values together, in bytes.
const maxAnnotations = 256 << 10

// carrier moves the lifecycles of one pod.
type carrier struct {
	*Admitter
	pod     *pod
	verdict *Verdict

	annotations map[string]string // the pod's, with those that were added
	changed     []string          // keys of them that are new or different, in order
	size        int               // of annotations
	sidecars    string            // who runs their preStop
	hosts       []host            // that hooks in annotations name
}

func (a *Admitter) newCarrier(p *pod, v *Verdict) *carrier {
	c := &carrier{Admitter: a, pod: p, verdict: v, annotations: maps.Clone(p.annotations()), sidecars: SidecarKubelet}
	if c.annotations == nil {
		c.annotations = map[string]string{}
	}
	for key, value := range c.annotations {
		c.size += len(key) + len(value)
	}
	return c
}

// carry checks the pod's annotations, and moves into them what can be.
func (c *carrier) carry() {
	names, twins := c.pod.names()
	if twins {
		return
	}
	c.checkKeys(names)
	if c.verdict.Refused != "" {
		return
	}
	for _, one := range c.pod.all() {
		own, err := c.own(&one)
		if err != nil {
			c.verdict.refuse(placeOf(err, &one))
			return
		}
		lifecycle := own.lifecycle
		if one.mayHaveLifecycle() {
			if moved := c.move(&one, own); moved != nil {
				lifecycle = moved
			}
		}
		c.noteHosts(&one, lifecycle)
	}
	c.annotate()
}

// set changes an annotation; false: the API server would not have so much.
func (c *carrier) set(key, value string) bool {
	old, was := c.annotations[key]
	size := c.size + len(value) - len(old)
	if !was {
		size += len(key)
	}
	if size > maxAnnotations {
		return false
	}
	c.annotations[key], c.size = value, size
	c.changed = append(c.changed, key)
	return true
}

// annotate patches the pod's annotations.
func (c *carrier) annotate() {
	switch {
	case len(c.changed) == 0:
	case c.pod.Metadata == nil:
		c.verdict.patch("add", "/metadata", map[string]any{"annotations": c.annotations})
	case c.pod.Metadata.Annotations == nil:
		c.verdict.patch("add", "/metadata/annotations", c.annotations)
	default:
		for _, key := range c.changed {
			c.verdict.patch("add", "/metadata/annotations/"+escape(key), c.annotations[key])
		}
	}
}

// grace is the pod's terminationGracePeriodSeconds as the kubelet takes it.
func (c *carrier) grace() (seconds int64, known bool) {
	g := c.pod.Spec.TerminationGracePeriodSeconds
	switch {
	case g == nil:
		return 0, false
	case *g < 0:
		return 1, true
	}
	return *g, true
}

// keyOf is the annotation of a container.
func keyOf(c *container) string { return hooks.AnnotationPrefix + c.Name }
