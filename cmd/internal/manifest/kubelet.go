package manifest

import (
	"encoding/json"
	"time"

	"bookend.dev/bookend/hooks"
)

// alone is the annotation of a container that is in no pod.
func (v *value) alone() map[string]string {
	return map[string]string{hooks.AnnotationKey: v.text, hooks.AnnotationPorts: assumedPorts(v)}
}

// forContainer returns what containerd and the kubelet add for a container of
// a pod, and its own annotation.
func forContainer(name, value string) map[string]string {
	return map[string]string{
		hooks.AnnotationContainerType: hooks.ContainerTypeContainer, hooks.AnnotationContainerName: name,
		hooks.AnnotationPrefix + name: value,
	}
}

// port is one of a container in the kubelet's record of them.
type port struct {
	Name          string `json:"name"`
	ContainerPort int64  `json:"containerPort"`
}

// portsOf is the kubelet's record of a container's ports.
func portsOf(c *container) string {
	list := []port{}
	for _, p := range items(field(c.node, "ports")) {
		n, _ := number(p, "containerPort")
		list = append(list, port{text(p, "name"), n})
	}
	return record(list)
}

// assumedPorts is a record in which every port that the value names exists: for
// where the container's own cannot be seen.
func assumedPorts(v *value) string {
	list := []port{}
	for _, point := range []hooks.Point{hooks.PostStart, hooks.PreStop} {
		named := field(field(field(v.root, string(point)), hooks.HandlerHTTPGet), "port")
		if named != nil && named.ShortTag() == "!!str" {
			list = append(list, port{named.Value, 1})
		}
	}
	return record(list)
}

func record(list []port) string {
	data, err := json.Marshal(list)
	if err != nil {
		return ""
	}
	return string(data)
}

// defaultGrace is the API server's terminationGracePeriodSeconds.
const defaultGrace = int64(hooks.DefaultGracePeriod / time.Second)

// graceOf returns the pod's terminationGracePeriodSeconds.
func graceOf(p *pod) int64 {
	if n, ok := number(p.spec, hooks.FieldGracePeriod); ok {
		return n
	}
	return defaultGrace
}
