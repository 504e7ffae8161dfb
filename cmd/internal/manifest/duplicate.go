package manifest

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// duplicates finds keys that a mapping has twice, which Kubernetes refuses and
// of which one would be lost.
func (r *reporter) duplicates(root *yaml.Node) {
	if hasDuplicates(root) {
		r.nameDuplicates(root, "")
	}
}

// hasDuplicates looks for them without making a path for each node.
func hasDuplicates(n *yaml.Node) bool {
	if n.Kind == yaml.MappingNode {
		var seen map[string]bool
		if len(n.Content) > 32 {
			seen = make(map[string]bool, len(n.Content)/2)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if seen == nil && hasKey(n.Content[:i], key) || seen[key.Value] && hasKey(n.Content[:i], key) {
				return true
			}
			if seen != nil {
				seen[key.Value] = true
			}
		}
	}
	for _, c := range n.Content {
		if len(c.Content) > 0 && hasDuplicates(c) {
			return true
		}
	}
	return false
}

func (r *reporter) nameDuplicates(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if len(item.Content) > 0 {
				r.nameDuplicates(item, itemPath(path, i))
			}
		}
	case yaml.MappingNode:
		for i := 2; i+1 < len(n.Content); i += 2 {
			if key := n.Content[i]; hasKey(n.Content[:i], key) {
				r.add(Error, key.Line, fieldPath(path, key.Value), "duplicate key %q", key.Value)
			}
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if value := n.Content[i+1]; len(value.Content) > 0 {
				r.nameDuplicates(value, fieldPath(path, n.Content[i].Value))
			}
		}
	}
}

// hasKey tells whether a key is among those of fields.
func hasKey(fields []*yaml.Node, key *yaml.Node) bool {
	if key.Kind != yaml.ScalarNode || isMerge(key) {
		return false
	}
	for i := 0; i < len(fields); i += 2 {
		if fields[i].Value == key.Value && fields[i].Kind == yaml.ScalarNode {
			return true
		}
	}
	return false
}

// fieldPath is the path of a field, or of a value in a map whose keys are names.
func fieldPath(path, name string) string {
	if strings.ContainsAny(name, "./") {
		return keyPath(path, name)
	}
	return join(path, name)
}
