package manifest

import (
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// move is a lifecycle on its way into an annotation.
type move struct {
	container *container
	key       *yaml.Node // of the lifecycle
	value     *yaml.Node
	head      string   // what follows the colon after the key: nothing, or a comment
	lines     []string // of the value, not indented
	step      int      // by how much they were indented below the key
	end       int      // the line behind them
	first     int      // the document's line of the value's first
}

// convert moves the lifecycle of all containers of a pod into annotations.
func (w *rewriter) convert(p *pod) {
	var moves []move
	containers := p.containers()
	for i := range containers {
		c := &containers[i]
		if lifecycle := field(c.node, "lifecycle"); lifecycle == nil || len(lifecycle.Content) == 0 && isMapping(lifecycle) {
			continue
		}
		if m, ok := w.take(p, c); ok {
			moves = append(moves, m)
		}
	}
	if len(moves) == 0 {
		return
	}
	w.changed, w.at = true, moves[0].key.Line
	if w.setRuntimeClass(p) {
		w.annotate(p, moves)
	}
}

// take reads a container's lifecycle and leaves a comment in its place.
func (w *rewriter) take(p *pod, c *container) (move, bool) {
	path := join(c.path, "lifecycle")
	key, value, err := own(c.node, "lifecycle")
	if key == nil {
		key = c.node
	}
	m := move{container: c, key: key, value: value}
	if err == nil {
		err = editable(p, c)
	}
	switch {
	case !w.canEdit(key, path):
	case err != nil:
		w.refuse(key.Line, path, "%v", err)
	case value.Kind != yaml.MappingNode:
		w.refuse(key.Line, path, "must be a mapping")
	case !isName(c.name):
		w.refuse(key.Line, join(c.path, "name"), "must be the name of a container, got %q", c.name)
	case !w.cutLifecycle(&m):
		w.refuse(key.Line, path, "cannot be moved: begin its value on a line of its own, without anchor or tag")
	default:
		w.replace(key.Line-1, m.end, w.before(key)+marker(c.name))
		remove(c.node, key)
		return m, w.isSupported(&m, path)
	}
	return m, false
}

// editable tells why a container cannot be changed, if so.
func editable(p *pod, c *container) error {
	_, _, err := own(p.spec, c.list)
	switch {
	case err != nil:
		return err
	case c.node.Anchor != "":
		return errAnchor
	case c.node.Style&yaml.FlowStyle != 0:
		return errFlow
	}
	return nil
}

// cutLifecycle reads the lines of a lifecycle; false: they are not written in a
// way that can be moved.
func (w *rewriter) cutLifecycle(m *move) bool {
	tail, ok := w.keyTail(m.key)
	if !ok {
		return false
	}
	m.end = w.entryEnd(m.key, m.value)
	below := w.lines[m.key.Line:m.end]
	if m.value.Line == m.key.Line {
		if m.value.Style&yaml.FlowStyle == 0 {
			return false
		}
		m.step, m.first = 2, m.key.Line
		m.lines = append([]string{strings.TrimLeft(tail, " ")}, reindent(below, m.key.Column-1+m.step, 0, 0)...)
		return strings.HasPrefix(m.lines[0], "{")
	}
	if !isQuiet(tail) {
		return false
	}
	m.head, m.first = tail, m.key.Line+1
	m.step = m.value.Column - m.key.Column
	m.lines = reindent(below, m.value.Column-1, 0, m.value.Line-m.key.Line-1)
	return m.step > 0
}

// isSupported asks the shim's code whether it would take the lifecycle.
func (w *rewriter) isSupported(m *move, path string) bool {
	v := value{path: path, source: hooks.AnnotationPrefix + m.container.name, text: strings.Join(m.lines, "\n") + "\n", at: m.key.Line, first: m.first}
	if root := rootOf(v.text); root == nil || !equal(root, m.value) {
		w.refuse(m.key.Line, path, "cannot be moved: write it in plain block style")
		return false
	}
	annotations := forContainer(m.container.name, v.text)
	annotations[ports] = portsOf(m.container)
	before := w.Count(Error)
	w.resolve(&v, annotations, w.options.Options)
	return w.Count(Error) == before
}

// annotation returns the lines of the annotation for m.
func (m *move) annotation(indent int) []string {
	lines := []string{spaces(indent) + hooks.AnnotationPrefix + m.container.name + ": |" + m.head}
	return append(lines, reindent(m.lines, 0, indent+m.step, 0)...)
}

// setRuntimeClass makes the pod run with the runtime class; false: it cannot.
func (w *rewriter) setRuntimeClass(p *pod) bool {
	path := join(p.path, "spec.runtimeClassName")
	specKey, spec, err := block(p.node, "spec")
	if err != nil {
		w.refuse(w.at, join(p.path, "spec"), "%v", err)
		return false
	}
	key, value, err := own(spec, "runtimeClassName")
	switch {
	case err != nil:
		w.refuse(w.at, path, "%v", err)
		return false
	case value == nil:
		w.insert(specKey.Line, spaces(columns(spec))+"runtimeClassName: "+w.options.RuntimeClass)
		put(spec, "runtimeClassName", scalar(w.options.RuntimeClass))
	case present(value) == nil || value.Kind == yaml.ScalarNode && value.Value == "":
		w.fillRuntimeClass(key, value)
	case value.Value != w.options.RuntimeClass:
		w.refuse(key.Line, path, "is %q already, not %q", value.Value, w.options.RuntimeClass)
		return false
	}
	return true
}

// fillRuntimeClass writes the runtime class where the field is null or empty,
// which Kubernetes takes for none. A comment behind it stays.
func (w *rewriter) fillRuntimeClass(key, value *yaml.Node) {
	line := w.before(key) + "runtimeClassName: " + w.options.RuntimeClass
	if tail, plain := w.keyTail(key); plain && isQuiet(tail) {
		line += tail
	} else if value.LineComment != "" {
		line += " " + value.LineComment
	}
	w.replace(key.Line-1, max(key.Line, value.Line), line)
	*value = *scalar(w.options.RuntimeClass)
}
