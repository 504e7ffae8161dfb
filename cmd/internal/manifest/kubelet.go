package manifest

import (
	"bookend.dev/bookend/cmd/internal/kubelet"
	"bookend.dev/bookend/hooks"
)

// alone is the annotation of a container that is in no pod.
func (v *value) alone() map[string]string {
	a := kubelet.Annotations{hooks.AnnotationKey: v.text}
	a.SetPorts(assumedPorts(v))
	return a
}

// portsOf are a container's ports.
func portsOf(c *container) []kubelet.Port {
	var list []kubelet.Port
	for _, p := range items(field(c.node, "ports")) {
		n, _ := number(p, "containerPort")
		list = append(list, kubelet.Port{Name: text(p, "name"), ContainerPort: n})
	}
	return list
}

// assumedPorts are all ports that the value names: for where the container's own
// cannot be seen.
func assumedPorts(v *value) []kubelet.Port {
	var list []kubelet.Port
	for _, point := range []hooks.Point{hooks.PostStart, hooks.PreStop} {
		named := field(field(field(v.root, string(point)), hooks.HandlerHTTPGet), "port")
		if named != nil && named.ShortTag() == "!!str" {
			list = append(list, kubelet.Port{Name: named.Value, ContainerPort: 1})
		}
	}
	return list
}

// graceOf returns the pod's terminationGracePeriodSeconds.
func graceOf(p *pod) int64 {
	if n, ok := number(p.spec, hooks.FieldGracePeriod); ok {
		return n
	}
	return kubelet.DefaultGracePeriod
}
