package manifest

import (
	"strings"

	"bookend.dev/bookend/cmd/internal/kubelet"
	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// pod checks a pod's annotations, and what its containers' own lifecycle has
// to do with them.
func (r *reporter) pod(p *pod) {
	r.Objects++
	containers := p.containers()
	var annotated *yaml.Node // the first of our annotations
	own := map[string]*value{}
	r.annotations(mergedEntries(field(p.metadata, "annotations")), p.annotationsPath(), forItsContainer, func(e entry, path, name string) {
		if e.key.Value == hooks.AnnotationKey {
			r.add(Error, e.key.Line, path, "does not apply to a pod: use %s and the name of a container", hooks.AnnotationPrefix)
			return
		}
		if annotated == nil {
			annotated = e.key
		}
		if v := r.value(e, path); v != nil {
			own[name] = v
			r.podAnnotation(p, containers, name, v)
		}
	})
	if annotated != nil && text(p.spec, "runtimeClassName") == "" {
		r.add(Warning, annotated.Line, join(p.path, "spec.runtimeClassName"),
			"is not set: the hooks run only if bookend is the node's default runtime")
	}
	for _, c := range containers {
		r.plainLifecycle(c, own[c.name])
	}
}

// podAnnotation checks a pod's annotation for the container of that name.
func (r *reporter) podAnnotation(p *pod, containers []*container, name string, v *value) {
	annotations := kubelet.ForContainer(name, v.text)
	grace := graceOf(p)
	annotations.SetGracePeriod(grace)
	c := find(containers, name)
	if c == nil {
		r.add(Warning, v.line(0), v.path, "the pod has no container %q, only %s", name, namesOf(containers))
		annotations.SetPorts(assumedPorts(v))
	} else {
		annotations.SetPorts(portsOf(c))
		v.terminal = isTrue(c.node, "tty")
	}
	r.check(v, annotations, limits{kubelet: true, podGrace: &grace, sidecar: c != nil && c.isSidecar()})
}

func namesOf(containers []*container) string {
	names := make([]string, len(containers))
	for i, c := range containers {
		names[i] = c.name
	}
	if len(names) == 0 {
		return "none at all"
	}
	return strings.Join(names, ", ")
}

// plainLifecycle warns of what a container's own lifecycle does beside the
// annotation v, which may be nil.
func (r *reporter) plainLifecycle(c *container, v *value) {
	lifecycle := field(c.node, "lifecycle")
	plain := &value{path: join(c.path, "lifecycle"), root: lifecycle, first: 1}
	for _, point := range []hooks.Point{hooks.PostStart, hooks.PreStop} {
		hook := field(lifecycle, string(point))
		if hook == nil {
			continue
		}
		key, _ := written(lifecycle, string(point))
		if key == nil {
			key = lifecycle
		}
		path := join(plain.path, string(point))
		if v != nil && field(v.root, string(point)) != nil {
			r.add(Warning, key.Line, path, "is in the annotation %s too: the kubelet and bookend would each run one", v.source)
		}
		r.command(plain, point)
		if field(hook, hooks.HandlerTCPSocket) != nil {
			r.add(Warning, key.Line, join(path, hooks.HandlerTCPSocket), "Kubernetes accepts it here but has never carried it out: the hook always fails")
		}
	}
}
