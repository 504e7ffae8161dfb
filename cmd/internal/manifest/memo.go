package manifest

import (
	"maps"
	"slices"
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// memo remembers what texts of annotations mean: the pods of a workload, of
// which a list of all pods has many, have the same ones.
type memo struct {
	roots    map[string]*yaml.Node
	resolved map[string]resolved
}

// resolved is what the shim's code says of a container's annotations.
type resolved struct {
	lifecycle *hooks.Lifecycle
	err       error
}

func newMemo() *memo {
	return &memo{roots: map[string]*yaml.Node{}, resolved: map[string]resolved{}}
}

// root returns the node of an annotation's text, nil where there is none. No one
// may change it.
func (m *memo) root(text string) *yaml.Node {
	root, known := m.roots[text]
	if !known {
		if docs := splitJSON(text); len(docs) == 1 && docs[0].err == nil {
			root = docs[0].roots[0]
		} else {
			root = rootOf(text)
		}
		m.roots[text] = root
	}
	return root
}

// resolve is [hooks.Resolve].
func (m *memo) resolve(annotations map[string]string, c *hooks.Config) (*hooks.Lifecycle, error) {
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		key.WriteString(name + "\x00" + annotations[name] + "\x00")
	}
	r, known := m.resolved[key.String()]
	if !known {
		r.lifecycle, r.err = hooks.Resolve(annotations, func() (*hooks.Config, error) { return c, nil })
		m.resolved[key.String()] = r
	}
	return r.lifecycle, r.err
}
