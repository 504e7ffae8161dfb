package manifest

import (
	"slices"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// fields are those of a Kubernetes object; nil: it is a scalar or a list, whose
// items have no fields that bookend adds to.
type fields map[string]fields

// kubernetesLifecycle is Kubernetes' own Lifecycle.
func kubernetesLifecycle() fields {
	handler := fields{
		hooks.HandlerExec:    {"command": nil},
		hooks.HandlerHTTPGet: {"path": nil, "port": nil, "host": nil, "scheme": nil, "httpHeaders": nil, "protocol": nil},
		hooks.HandlerSleep:   {"seconds": nil},
	}
	return fields{hooks.FieldPostStart: handler, hooks.FieldPreStop: handler, hooks.FieldStopSignal: nil}
}

// unknown returns the path and key of each field in n that is not among known.
func (known fields) unknown(n *yaml.Node, path string) []located {
	var list []located
	for _, e := range entries(n) {
		at := join(path, e.key.Value)
		of, ok := known[e.key.Value]
		switch {
		case !ok:
			list = append(list, located{at, e.key})
		case of != nil:
			list = slices.Concat(list, of.unknown(e.value, at))
		}
	}
	return list
}
