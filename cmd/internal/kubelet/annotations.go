package kubelet

import (
	"encoding/json"
	"strconv"
	"time"

	"bookend.dev/bookend/hooks"
)

// DefaultGracePeriod is the API server's terminationGracePeriodSeconds.
const DefaultGracePeriod = int64(hooks.DefaultGracePeriod / time.Second)

// Annotations are those of a container in a pod.
type Annotations map[string]string

// ForContainer returns what containerd adds for the container of that name, and
// the container's own annotation with the value.
func ForContainer(name, value string) Annotations {
	return Annotations{
		hooks.AnnotationContainerType: hooks.ContainerTypeContainer,
		hooks.AnnotationContainerName: name,
		hooks.AnnotationPrefix + name: value,
	}
}

// Port is a port of a container, as the kubelet records it.
type Port struct {
	Name          string `json:"name"`
	ContainerPort int64  `json:"containerPort"`
}

// SetPorts adds the kubelet's record of the container's ports.
func (a Annotations) SetPorts(ports []Port) {
	if ports == nil {
		ports = []Port{}
	}
	data, _ := json.Marshal(ports) // names and numbers always can be
	a[hooks.AnnotationPorts] = string(data)
}

// SetGracePeriod adds the kubelet's record of the pod's
// terminationGracePeriodSeconds.
func (a Annotations) SetGracePeriod(seconds int64) {
	a[hooks.AnnotationGracePeriod] = strconv.FormatInt(seconds, 10)
}
