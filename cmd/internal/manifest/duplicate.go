package manifest

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// duplicates finds keys that a mapping has twice, which Kubernetes refuses and
// of which one would be lost.
func (r *reporter) duplicates(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			r.duplicates(item, itemPath(path, i))
		}
	case yaml.MappingNode:
		seen := make(map[string]bool, len(n.Content)/2)
		for _, e := range entries(n) {
			if e.key.Kind != yaml.ScalarNode || isMerge(e.key) {
				continue
			}
			if seen[e.key.Value] {
				r.add(Error, e.key.Line, fieldPath(path, e.key.Value), "duplicate key %q", e.key.Value)
			}
			seen[e.key.Value] = true
		}
		for _, e := range entries(n) {
			r.duplicates(e.value, fieldPath(path, e.key.Value))
		}
	}
}

// fieldPath is the path of a field, or of a value in a map whose keys are names.
func fieldPath(path, name string) string {
	if strings.ContainsAny(name, "./") {
		return keyPath(path, name)
	}
	return join(path, name)
}
