package hooks

import (
	"encoding/json"
	"strings"
)

// containerPort is what counts of a ContainerPort. The kubelet's format may
// grow: other fields are passed over.
type containerPort struct {
	Name          string `json:"name"`
	ContainerPort int    `json:"containerPort"`
}

// namedPort returns the resolver of named ports of the container with the
// given annotations. As in the kubelet, the port's protocol does not matter.
func namedPort(annotations map[string]string) func(*value) (int, error) {
	return func(name *value) (int, error) {
		text, ok := annotations[AnnotationPorts]
		if !ok {
			return 0, name.fail("%s cannot be looked up: the container has no annotation %s; use the port's number", quote(name.text), AnnotationPorts)
		}
		source := "annotation " + AnnotationPorts
		var ports []containerPort
		if err := json.Unmarshal([]byte(text), &ports); err != nil {
			return 0, &InvalidError{Source: source, Message: "must be a JSON list of container ports: " + quoteMessage(err.Error()), Err: err}
		}
		for i, p := range ports {
			if p.Name != name.text {
				continue
			}
			if p.ContainerPort < 1 || p.ContainerPort > 65535 {
				at := (*path)(nil).item(i).child("containerPort")
				return 0, inSource((&value{path: at}).fail("must be between 1 and 65535, got %d", p.ContainerPort), source)
			}
			return p.ContainerPort, nil
		}
		return 0, name.fail("the container has no port named %s", quote(name.text))
	}
}

// isPortName is Kubernetes' rule, the one of IANA service names: at most 15 of
// a-z, 0-9 and '-', with a letter, without "--" or '-' at either end.
func isPortName(s string) bool {
	other := func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }
	return len(s) <= 15 &&
		strings.IndexFunc(s, other) < 0 &&
		strings.ContainsAny(s, "abcdefghijklmnopqrstuvwxyz") &&
		!strings.Contains(s, "--") && !strings.HasPrefix(s, "-") && !strings.HasSuffix(s, "-")
}
