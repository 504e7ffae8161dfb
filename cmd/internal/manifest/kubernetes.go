package manifest

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// fields are those of a Kubernetes object; nil: it is a scalar or a list, whose
// items have no fields that bookend adds to.
type fields map[string]fields

// kubernetesLifecycle is Kubernetes' own Lifecycle.
func kubernetesLifecycle() fields {
	handler := fields{
		"exec":    {"command": nil},
		"httpGet": {"path": nil, "port": nil, "host": nil, "scheme": nil, "httpHeaders": nil, "protocol": nil},
		"sleep":   {"seconds": nil},
	}
	return fields{"postStart": handler, "preStop": handler, "stopSignal": nil}
}

// unknown returns the path and key of each field in n that is not among known.
func (known fields) unknown(n *yaml.Node, path string) []entryAt {
	var list []entryAt
	for _, e := range entries(n) {
		at := join(path, e.key.Value)
		of, ok := known[e.key.Value]
		switch {
		case !ok:
			list = append(list, entryAt{at, e.key})
		case of != nil:
			list = slices.Concat(list, of.unknown(e.value, at))
		}
	}
	return list
}

// entryAt is a field's key and its path.
type entryAt struct {
	path string
	key  *yaml.Node
}
