package admission

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"bookend.dev/bookend/cmd/internal/kubelet"
	kjson "sigs.k8s.io/json"
)

// pod is what counts of a Pod. A lifecycle stays as it was sent: what this version
// of Kubernetes' types does not know must not be lost on its way.
type pod struct {
	Metadata *metadata `json:"metadata"`
	Spec     struct {
		RuntimeClassName              *string `json:"runtimeClassName"`
		TerminationGracePeriodSeconds *int64  `json:"terminationGracePeriodSeconds"`
		OS                            *struct {
			Name string `json:"name"`
		} `json:"os"`
		InitContainers      []container `json:"initContainers"`
		Containers          []container `json:"containers"`
		EphemeralContainers []container `json:"ephemeralContainers"`
	} `json:"spec"`
}

type metadata struct {
	Annotations map[string]string `json:"annotations"`
}

// container is what counts of a container.
type container struct {
	Name          string          `json:"name"`
	RestartPolicy string          `json:"restartPolicy"`
	TTY           bool            `json:"tty"`
	Ports         []kubelet.Port  `json:"ports"`
	Lifecycle     json.RawMessage `json:"lifecycle"`

	list  string // that it is in, such as "initContainers"
	index int    // in that list
}

const (
	initContainers      = "initContainers"
	containers          = "containers"
	ephemeralContainers = "ephemeralContainers"
)

// mirrorAnnotation is on the pods by which a kubelet shows those that it runs from
// files.
const mirrorAnnotation = "kubernetes.io/config.mirror"

// read reads an object of the API server's into v.
func read(raw []byte, v any) error {
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, v); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// readPod reads a pod.
func readPod(raw []byte) (*pod, error) {
	p := &pod{}
	if err := read(raw, p); err != nil {
		return nil, fmt.Errorf("pod: %w", err)
	}
	for list, of := range p.lists() {
		for i := range of {
			of[i].list, of[i].index = list, i
		}
	}
	return p, nil
}

// annotations are the pod's.
func (p *pod) annotations() map[string]string {
	if p.Metadata == nil {
		return nil
	}
	return p.Metadata.Annotations
}

func (p *pod) lists() map[string][]container {
	return map[string][]container{
		initContainers:      p.Spec.InitContainers,
		containers:          p.Spec.Containers,
		ephemeralContainers: p.Spec.EphemeralContainers,
	}
}

// all returns the pod's containers of all sorts.
func (p *pod) all() []container {
	return slices.Concat(p.Spec.InitContainers, p.Spec.Containers, p.Spec.EphemeralContainers)
}

// names returns those of the pod's containers, and whether two have the same. The
// API server refuses such a pod. Its annotations must not be read: each of a
// hundred thousand containers would have the same long one read again.
func (p *pod) names() (all map[string]bool, twins bool) {
	all = map[string]bool{}
	for _, one := range p.all() {
		twins = twins || all[one.Name]
		all[one.Name] = true
	}
	return all, twins
}

// class is the pod's runtime class; "": none.
func (p *pod) class() string {
	if p.Spec.RuntimeClassName == nil {
		return ""
	}
	return *p.Spec.RuntimeClassName
}

// isForeign tells whether no shim of bookend's could run the pod by what the API
// server holds.
func (p *pod) isForeign() bool {
	_, mirror := p.annotations()[mirrorAnnotation]
	return mirror || p.Spec.OS != nil && p.Spec.OS.Name != "" && p.Spec.OS.Name != "linux"
}

// isSidecar tells whether it is a native sidecar: an init container that runs
// beside the others.
func (c *container) isSidecar() bool {
	return c.list == initContainers && c.RestartPolicy == "Always"
}

// mayHaveLifecycle tells whether the API server accepts a lifecycle in it.
func (c *container) mayHaveLifecycle() bool { return c.list == containers || c.isSidecar() }

// path is "spec.containers[0]".
func (c *container) path() string { return fmt.Sprintf("spec.%s[%d]", c.list, c.index) }

// pointer is the path of its lifecycle, as a JSON pointer.
func (c *container) pointer() string { return fmt.Sprintf("/spec/%s/%d/lifecycle", c.list, c.index) }

// escape makes a key an element of a JSON pointer.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
