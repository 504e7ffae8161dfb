package manifest

import (
	"cmp"
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// pod is a Pod or a pod template, wherever it was found.
type pod struct {
	path     string     // of the mapping that holds metadata and spec: "", "spec.template", "items[0]"
	node     *yaml.Node // that mapping
	metadata *yaml.Node // nil: none
	spec     *yaml.Node
}

// container is one container of a pod.
type container struct {
	path string // "spec.template.spec.containers[0]"
	name string
	list string // the spec's field that lists it: "containers", "initContainers", "ephemeralContainers"
	node *yaml.Node
}

// outside is a lifecycle that is no container's of a pod.
type outside struct {
	located
	why string // it is left alone
}

// finder walks through an object.
type finder struct {
	seen     map[*yaml.Node]bool // an alias may lead back, or to one node many times
	pods     []*pod
	metadata []located // metadata that is no pod's
	outside  []outside
}

// findPods returns the pods in a Kubernetes object of whatever kind: a Pod, an
// item of a List, and every "template" that has a list of containers, as all
// workloads have one and those of custom resources do.
func findPods(root *yaml.Node) *finder {
	f := &finder{seen: map[*yaml.Node]bool{}}
	f.visit(root, "", "", "", "")
	return f
}

// visit looks at a node which is the field name of its parent. kind is the one
// that it has if it does not say, within that of the object around it.
func (f *finder) visit(n *yaml.Node, path, name, kind, within string) {
	n = follow(n)
	if n == nil || f.seen[n] {
		return
	}
	f.seen[n] = true
	if n.Kind == yaml.SequenceNode {
		for i, item := range n.Content {
			f.visit(item, itemPath(path, i), "", kind, within)
		}
		return
	}
	if k := text(n, "kind"); k != "" {
		kind = k
	}
	within = cmp.Or(kind, within)
	spec, metadata := field(n, "spec"), field(n, "metadata")
	switch containers := field(spec, "containers"); {
	case kind == "Pod" && isMapping(spec), isTemplate(name) && containers != nil && containers.Kind == yaml.SequenceNode:
		f.pods = append(f.pods, &pod{path: path, node: n, metadata: metadata, spec: spec})
		f.findOutside(n, path, "it is in none of the pod's containers")
		f.findOutside(spec, join(path, "spec"), "it is in none of the pod's containers")
		return
	case metadata != nil:
		f.metadata = append(f.metadata, located{join(path, "metadata"), metadata})
	}
	f.findOutside(n, path, whyOutside(within))
	for _, e := range entries(n) {
		of := ""
		if e.key.Value == "items" {
			of, _ = strings.CutSuffix(kind, "List")
		}
		f.visit(e.value, join(path, e.key.Value), e.key.Value, of, within)
	}
}

// findOutside notes the lifecycles among the fields of a mapping that is no
// container.
func (f *finder) findOutside(n *yaml.Node, path, why string) {
	for _, e := range entries(n) {
		if strings.Contains(strings.ToLower(e.key.Value), "lifecycle") && hasHooks(follow(e.value)) {
			f.outside = append(f.outside, outside{located{join(path, e.key.Value), e.key}, why})
		}
	}
}

// whyOutside is why a lifecycle in an object that is no pod is left alone.
func whyOutside(kind string) string {
	if kind == "" {
		return "the document is no Kubernetes object; if it is the input of one (values of a chart, a patch), render it first"
	}
	return "it is in no Pod and no pod template; the controller of " + kind + " decides what happens to it"
}

// hasHooks tells whether a mapping has the hooks of a container.
func hasHooks(n *yaml.Node) bool {
	return isMapping(field(n, hooks.FieldPostStart)) || isMapping(field(n, hooks.FieldPreStop))
}

// isTemplate tells whether a field of this name may be a pod template.
func isTemplate(name string) bool { return name == "template" || strings.HasSuffix(name, "Template") }

// containers returns the pod's containers of all sorts.
func (p *pod) containers() []*container {
	var list []*container
	for _, name := range containerLists() {
		for i, n := range items(field(p.spec, name)) {
			list = append(list, &container{path: itemPath(join(join(p.path, "spec"), name), i), name: text(n, "name"), list: name, node: n})
		}
	}
	return list
}

// isSidecar tells whether it is a native sidecar: an init container that runs
// beside the others.
func (c *container) isSidecar() bool {
	return c.list == "initContainers" && text(c.node, "restartPolicy") == "Always"
}

// find returns the container of that name.
func find(containers []*container, name string) *container {
	for _, c := range containers {
		if c.name == name {
			return c
		}
	}
	return nil
}

// annotationsPath is where the pod's annotations are or would be.
func (p *pod) annotationsPath() string { return join(p.path, "metadata.annotations") }

// containerLists are the fields of a pod's spec that list containers.
func containerLists() []string {
	return []string{"initContainers", "containers", "ephemeralContainers"}
}
