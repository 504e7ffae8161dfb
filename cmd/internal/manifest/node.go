package manifest

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// mergeLimit is how many mappings may be merged into one.
const mergeLimit = 1000

// entry is one field of a mapping.
type entry struct{ key, value *yaml.Node }

// follow returns the node that an alias stands for; others as they are.
func follow(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// entries returns the fields that are written in a mapping.
func entries(n *yaml.Node) []entry {
	n = follow(n)
	if !isMapping(n) {
		return nil
	}
	list := make([]entry, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		list = append(list, entry{n.Content[i], n.Content[i+1]})
	}
	return list
}

// written returns the field of a mapping that is written there by name, not
// merged in: nil where there is none.
func written(n *yaml.Node, name string) (key, value *yaml.Node) {
	for _, e := range entries(n) {
		if e.key.Value == name && e.key.Kind == yaml.ScalarNode && !isMerge(e.key) {
			return e.key, e.value
		}
	}
	return nil, nil
}

// isMerge tells whether a key is that of merged mappings ("<<").
func isMerge(key *yaml.Node) bool {
	return (key.Value == "<<" || key.Tag != "" && key.Tag != "!!str") && key.ShortTag() == "!!merge"
}

// isTrue tells whether a field of a mapping is the boolean true.
func isTrue(n *yaml.Node, name string) bool {
	f := field(n, name)
	return f != nil && f.ShortTag() == "!!bool" && strings.EqualFold(f.Value, "true")
}

// field returns a field of a mapping, its value followed through an alias, be
// it written there or merged in; nil where there is none or it is null.
func field(n *yaml.Node, name string) *yaml.Node {
	if _, v := written(n, name); v != nil {
		return present(follow(v))
	}
	if !merges(n) {
		return nil
	}
	for _, e := range mergedEntries(n) {
		if e.key.Kind == yaml.ScalarNode && e.key.Value == name {
			return present(follow(e.value))
		}
	}
	return nil
}

// merges tells whether other mappings are merged into one.
func merges(n *yaml.Node) bool {
	return slices.ContainsFunc(entries(n), func(e entry) bool { return isMerge(e.key) })
}

// mergedEntries returns the fields of a mapping and those merged into it, each
// name once unless it is written twice.
func mergedEntries(n *yaml.Node) []entry {
	if !merges(n) {
		return entries(n)
	}
	budget := mergeLimit
	return mergeEntries(n, &budget)
}

// mergeEntries is mergedEntries for as many mappings as budget says: aliases
// can make few lines into very many, or lead in a circle.
func mergeEntries(n *yaml.Node, budget *int) []entry {
	var list, merged []entry
	if *budget--; *budget < 0 {
		return nil
	}
	seen := map[string]bool{}
	for _, e := range entries(n) {
		if !isMerge(e.key) {
			list = append(list, e)
			seen[e.key.Value] = true
			continue
		}
		from := []*yaml.Node{follow(e.value)}
		if from[0].Kind == yaml.SequenceNode {
			from = from[0].Content
		}
		for _, m := range from {
			merged = append(merged, mergeEntries(m, budget)...)
		}
	}
	for _, e := range merged {
		if !seen[e.key.Value] {
			list = append(list, e)
			seen[e.key.Value] = true
		}
	}
	return list
}

// present is nil for a null.
func present(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil
	}
	return n
}

// hasField tells whether a mapping has one of the fields.
func hasField(n *yaml.Node, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return field(n, name) != nil })
}

// text returns a scalar field; "" where it is absent or no scalar.
func text(n *yaml.Node, name string) string {
	if v := field(n, name); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// number returns a field that is a whole number.
func number(n *yaml.Node, name string) (int64, bool) {
	v, err := strconv.ParseInt(text(n, name), 0, 64)
	return v, err == nil
}

// isMapping tells whether a node is a mapping.
func isMapping(n *yaml.Node) bool { return n != nil && n.Kind == yaml.MappingNode }

// items returns the items of a list, followed through aliases.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	list := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		list[i] = follow(c)
	}
	return list
}
