package manifest

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// located is a node, or the key of a field, and where it is.
type located struct {
	path string
	node *yaml.Node
}

// walk visits n, whose key is key (nil: it has none), and then, if visit says so,
// the nodes in it.
func walk(n, key *yaml.Node, path string, visit func(n, key *yaml.Node, path string) bool) {
	if !visit(n, key, path) {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		for _, e := range entries(n) {
			walk(e.value, e.key, fieldPath(path, e.key.Value), visit)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			walk(item, nil, itemPath(path, i), visit)
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

// join adds a field's name to a path, as Kubernetes writes paths.
func join(path, name string) string {
	if path == "" || name == "" || strings.HasPrefix(name, "[") {
		return path + name
	}
	return path + "." + name
}

// itemPath is the path of a list's item.
func itemPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// keyPath is the path of a map's value, as Kubernetes writes annotations.
func keyPath(path, key string) string { return path + "[" + key + "]" }
