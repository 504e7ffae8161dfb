package manifest

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// equal tells whether two trees say the same, whatever they look like.
func equal(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) || a.ShortTag() != b.ShortTag() || a.Value != b.Value {
		return false
	}
	if a.Kind == yaml.MappingNode {
		return equalFields(a, b)
	}
	for i := range a.Content {
		if !equal(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// means tells whether a text says the same as a tree.
func means(text string, n *yaml.Node) bool {
	root := rootOf(text)
	return root != nil && equal(root, n)
}

// equalFields compares mappings, in which order means nothing.
func equalFields(a, b *yaml.Node) bool {
	fields := make(map[string]*yaml.Node, len(b.Content)/2)
	for _, e := range entries(b) {
		fields[e.key.Value] = e.value
	}
	for i, e := range entries(a) {
		v, ok := fields[e.key.Value]
		if e.key.Kind != yaml.ScalarNode { // its fields are no name
			v, ok = b.Content[2*i+1], equal(e.key, b.Content[2*i])
		}
		if !ok || !equal(e.value, v) {
			return false
		}
	}
	return true
}

// scalar makes the node of a string.
func scalar(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// remove takes a field out of a mapping.
func remove(n, key *yaml.Node) {
	if i := slices.Index(n.Content, key); i >= 0 {
		n.Content = slices.Delete(slices.Clone(n.Content), i, i+2)
	}
}

// put adds a field to a mapping.
func put(n *yaml.Node, name string, value *yaml.Node) {
	n.Content = append(n.Content, scalar(name), value)
}

// columns is the indentation of a block mapping's fields.
func columns(n *yaml.Node) int { return n.Content[0].Column - 1 }
