package manifest

import "go.yaml.in/yaml/v4"

// duplicates finds keys that a mapping has twice, which Kubernetes refuses and
// of which one would be lost.
func (r *reporter) duplicates(root *yaml.Node) {
	walk(root, nil, "", func(n, _ *yaml.Node, path string) bool {
		if !isMapping(n) {
			return true // of an alias the fields are found where they are written
		}
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
		return true
	})
}
