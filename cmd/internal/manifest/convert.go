package manifest

import (
	"slices"
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// move is a lifecycle on its way into an annotation.
type move struct {
	container *container
	key       *yaml.Node // of the lifecycle
	value     *yaml.Node
	raw       string   // the key as it is written
	blanks    string   // behind the colon, where the value follows them
	head      string   // what follows the colon after the key: nothing, or a comment
	lines     []string // of the value, not indented
	chomp     string   // of the block scalar that holds the lines: "", "+", "-"
	step      int      // by how much they were indented below the key
	end       int      // the line behind them
	first     int      // the document's line of the value's first
}

// convert moves the lifecycle of all containers of a pod into annotations.
func (w *rewriter) convert(p *pod) {
	var moves []move
	containers := p.containers()
	for i := range containers {
		if !hasLifecycle(&containers[i]) {
			continue
		}
		if m, ok := w.take(p, &containers[i]); ok {
			moves = append(moves, m)
		}
	}
	if len(moves) == 0 {
		return
	}
	w.changed, w.at = true, moves[0].key.Line
	had, ok := w.setRuntimeClass(p)
	if !ok {
		return
	}
	for i := range moves {
		m := &moves[i]
		mark := marker{key: m.raw, blanks: m.blanks, below: m.isBelow(), name: m.container.name, hadClass: had}
		w.replace(m.key.Line-1, m.end, w.before(m.key)+mark.String())
	}
	w.annotate(p, moves)
}

// isBelow tells whether a lifecycle in flow style begins on the line below its
// key, which its text alone does not.
func (m *move) isBelow() bool {
	return m.value.Style&yaml.FlowStyle != 0 && m.value.Line == m.key.Line+1
}

// convertTargets are the nodes in whose lines convert works.
func convertTargets(p *pod, targets map[*yaml.Node]bool) {
	containers := p.containers()
	for i := range containers {
		if hasLifecycle(&containers[i]) {
			p.target(&containers[i], targets)
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

// take reads a container's lifecycle.
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
		w.refuse(key.Line, path, "cannot be moved: write lifecycle: and begin its value behind it or on the next line")
	default:
		ok := w.isSupported(&m, path)
		remove(c.node, key)
		return m, ok
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
func (w *rewriter) cutLifecycle(m *move) (ok bool) {
	var tail string
	if m.raw, tail, ok = w.keyTail(m.key); !ok {
		return false
	}
	if m.value.Line == m.key.Line {
		m.blanks = tail[:len(tail)-len(strings.TrimLeft(tail, " \t"))]
		return m.value.Style&yaml.FlowStyle != 0 && w.cutFlow(m)
	}
	if !isQuiet(tail) {
		return false
	}
	m.head, m.first = tail, m.key.Line+1
	m.step = m.value.Column - m.key.Column
	for _, m.end = range []int{w.contentEnd(m.key, m.value), w.entryEnd(m.key, m.value)} {
		m.lines = reindent(w.lines[m.key.Line:m.end], m.value.Column-1, 0, m.value.Line-m.key.Line-1)
		if _, _, complete := blockScalar(m.lines, m.value); complete {
			break
		}
	}
	return m.step > 0
}

// cutFlow reads the lines of a lifecycle in flow style that begins on the line
// of its key. What closes it may stand further left than what is in it.
func (w *rewriter) cutFlow(m *move) bool {
	m.step, m.first = flowStep, m.key.Line
	inside := w.contentEnd(m.key, m.value)
	for end := inside; ; end = min(end+end-m.key.Line+1, len(w.lines)) {
		text := strings.Join(slices.Concat([]string{w.from(m.value)}, w.lines[m.key.Line:end]), "\n")
		_, length, err := readFlow(text)
		if err == nil {
			m.end = max(m.key.Line+strings.Count(text[:length], "\n"), inside)
			break
		}
		if end == len(w.lines) {
			return false
		}
	}
	m.lines = slices.Concat([]string{w.from(m.value)}, reindent(w.lines[m.key.Line:m.end], m.key.Column-1, 0, 0))
	return true
}

// isSupported asks the shim's code whether it would take the lifecycle.
func (w *rewriter) isSupported(m *move, path string) bool {
	v := value{path: path, source: hooks.AnnotationPrefix + m.container.name, at: m.key.Line, first: m.first}
	var ok bool
	if m.chomp, v.text, ok = blockScalar(m.lines, m.value); !ok {
		w.refuse(m.key.Line, path, "cannot be moved: as a text of its own it would mean something else; write it in plain block style")
		return false
	}
	v.root = rootOf(v.text)
	annotations := forContainer(m.container.name, v.text)
	annotations[ports] = portsOf(m.container)
	before := w.Count(Error)
	w.resolve(&v, annotations, w.options.Options)
	return w.Count(Error) == before
}

// blockScalar finds how the lines of a document must end in a literal block
// scalar to mean want: with one line's end, with all (+) or with none (-).
func blockScalar(lines []string, want *yaml.Node) (chomp, text string, ok bool) {
	all := strings.Join(lines, "\n")
	for _, as := range []struct{ chomp, text string }{
		{"", strings.TrimRight(all, "\n") + "\n"}, {"+", all + "\n"}, {"-", strings.TrimRight(all, "\n")},
	} {
		if root := rootOf(as.text); root != nil && equal(root, want) {
			return as.chomp, as.text, true
		}
	}
	return "", "", false
}
