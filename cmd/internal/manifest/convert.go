package manifest

import (
	"slices"
	"strings"

	"bookend.dev/bookend/cmd/internal/kubelet"
	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// move is a lifecycle on its way into an annotation.
type move struct {
	marker    // takes its place
	container *container
	entry     entry    // its field
	head      string   // what follows the colon after the key: nothing, or a comment
	lines     []string // of the value, not indented
	chomp     string   // of the block scalar that holds the lines: "", "+", "-"
	step      int      // by how much they were indented below the key
	end       int      // the line behind them
	first     int      // the document's line of the value's first
}

// convert moves the lifecycle of all containers of a pod into annotations.
func (w *rewriter) convert(p *pod) {
	var moves []*move
	for _, c := range p.containers() {
		if !hasLifecycle(c) {
			continue
		}
		if m := w.take(p, c); m != nil {
			moves = append(moves, m)
		}
	}
	if len(moves) == 0 {
		return
	}
	w.at = moves[0].entry.key.Line
	had, ok := w.setRuntimeClass(p)
	if !ok {
		return
	}
	for _, m := range moves {
		m.hadClass = had
		w.replace(m.entry.key.Line-1, m.end, w.before(m.entry.key)+m.String())
	}
	w.annotate(p, moves)
}

// convertTargets are the nodes in whose lines convert works.
func convertTargets(p *pod, targets map[*yaml.Node]bool) {
	for _, c := range p.containers() {
		if hasLifecycle(c) {
			p.target(c, targets)
		}
	}
}

// target adds what has to be in block style to change a container of the pod.
func (p *pod) target(c *container, targets map[*yaml.Node]bool) {
	for _, n := range []*yaml.Node{p.node, p.metadata, field(p.metadata, "annotations"), p.spec, field(p.spec, c.list), c.node} {
		targets[n] = true
	}
}

// hasLifecycle tells whether a container has a lifecycle that says something.
func hasLifecycle(c *container) bool {
	lifecycle := field(c.node, "lifecycle")
	return lifecycle != nil && (len(lifecycle.Content) > 0 || !isMapping(lifecycle))
}

// take reads a container's lifecycle; nil, with a finding: it cannot be moved.
func (w *rewriter) take(p *pod, c *container) *move {
	path := join(c.path, "lifecycle")
	key, value, err := own(c.node, "lifecycle")
	if key == nil {
		key = c.node
	}
	if err == nil {
		err = editable(p, c)
	}
	m := &move{container: c, entry: entry{key, value}, marker: marker{name: c.name}}
	switch {
	case !w.canEdit(key, path):
	case err != nil:
		w.refuse(key.Line, path, "%v", err)
	case value.Kind != yaml.MappingNode:
		w.refuse(key.Line, path, "must be a mapping")
	case !isName(c.name):
		w.refuse(key.Line, join(c.path, "name"), "must be the name of a container, got %q", c.name)
	case !w.cutLifecycle(m):
		w.refuse(key.Line, path, "cannot be moved: write lifecycle: and begin its value behind it or on the next line")
	case w.isSupported(m, path):
		remove(c.node, key)
		return m
	}
	return nil
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
	key, value := m.entry.key, m.entry.value
	raw, tail, ok := w.keyTail(key)
	m.key = raw
	switch {
	case !ok:
		return false
	case value.Line == key.Line:
		m.blanks = tail[:len(tail)-len(strings.TrimLeft(tail, " \t"))]
		return value.Style&yaml.FlowStyle != 0 && w.cutFlow(m)
	case !isCommentOrBlank(tail):
		return false
	}
	// The text of one in flow style does not say that it begins below its key.
	m.below = value.Style&yaml.FlowStyle != 0 && value.Line == key.Line+1
	m.head, m.first = tail, key.Line+1
	m.step = value.Column - key.Column
	for _, m.end = range []int{w.contentEnd(key, value), w.entryEnd(key, value)} {
		m.lines = reindent(w.lines[key.Line:m.end], value.Column-1, 0, value.Line-key.Line-1)
		if _, _, complete := blockScalar(m.lines, value); complete {
			break
		}
	}
	return m.step > 0
}

// cutFlow reads the lines of a lifecycle in flow style that begins on the line
// of its key. What closes it may stand further left than what is in it.
func (w *rewriter) cutFlow(m *move) bool {
	key, value := m.entry.key, m.entry.value
	m.step, m.first = flowStep, key.Line
	_, text, length, err := w.flowAt(value, 0)
	if err != nil {
		return false
	}
	m.end = max(key.Line+strings.Count(text[:length], "\n"), w.contentEnd(key, value))
	m.lines = slices.Concat([]string{w.from(value)}, reindent(w.lines[key.Line:m.end], key.Column-1, 0, 0))
	return true
}

// isSupported asks the shim's code whether it would take the lifecycle.
func (w *rewriter) isSupported(m *move, path string) bool {
	v := value{path: path, source: hooks.AnnotationPrefix + m.container.name, at: m.entry.key.Line, first: m.first}
	var ok bool
	if m.chomp, v.text, ok = blockScalar(m.lines, m.entry.value); !ok {
		w.refuse(m.entry.key.Line, path, "cannot be moved: as a text of its own it would mean something else; write it in plain block style")
		return false
	}
	v.root = rootOf(v.text)
	annotations := kubelet.ForContainer(m.container.name, v.text)
	annotations.SetPorts(portsOf(m.container))
	before := w.Count(Error)
	w.resolve(&v, annotations) // nil without an error: the lifecycle is empty
	return w.Count(Error) == before
}

// blockScalar finds how the lines of a document must end in a literal block
// scalar to mean want: with one line's end, with all (+) or with none (-).
func blockScalar(lines []string, want *yaml.Node) (chomp, text string, ok bool) {
	all := strings.Join(lines, "\n")
	for _, as := range []struct{ chomp, text string }{
		{"", strings.TrimRight(all, "\n") + "\n"}, {"+", all + "\n"}, {"-", strings.TrimRight(all, "\n")},
	} {
		if means(as.text, want) {
			return as.chomp, as.text, true
		}
	}
	return "", "", false
}
