package manifest

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// unflow prints anew, in block style, the flow collections that are in the way
// of a change: each that is one of targets or has one in it. The document is
// then another one, whose nodes know the lines of the file that theirs came from;
// false: it is as it was.
func (w *rewriter) unflow(targets map[*yaml.Node]bool) bool {
	x := &unflower{editor: &editor{lines: w.lines, ends: w.ends}, targets: targets}
	walk(w.root, nil, "", func(n, key *yaml.Node, path string) bool {
		isFlow := n.Style&yaml.FlowStyle != 0
		if isFlow && x.isInTheWay(n) {
			x.expand(n, key, path)
		}
		return !isFlow
	})
	if len(x.found) == 0 {
		return false
	}
	text := x.text()
	root := rootOf(text)
	if root == nil || !equal(root, w.root) {
		return false // what follows refuses the flow style with its place
	}
	for _, found := range x.found {
		what := ""
		if found.path == "" {
			what = "the document "
		}
		w.add(Note, found.node.Line, found.path, "%swas reprinted in block style: its flow style ({...}) has no lines for the change", what)
	}
	lines := make([]int, strings.Count(text, "\n")+1)
	w.doc.findLines(lines, root, w.root)
	last := w.doc.fileLine(1)
	for i, line := range lines {
		if line == 0 {
			lines[i] = last
		}
		last = lines[i]
	}
	w.doc = &document{text: text, line: w.doc.line, roots: []*yaml.Node{root}, lines: lines}
	w.root, w.editor = root, newEditor(text)
	return true
}

// findLines finds the file's line for the lines of a document that was printed
// anew, by the nodes that are on them.
func (d *document) findLines(lines []int, printed, old *yaml.Node) {
	if at := printed.Line - 1; at < len(lines) && lines[at] == 0 {
		lines[at] = d.fileLine(old.Line)
	}
	for i := range printed.Content {
		d.findLines(lines, printed.Content[i], old.Content[i])
	}
}

// unflower prints flow collections of a document anew.
type unflower struct {
	*editor
	targets map[*yaml.Node]bool
	found   []located // what was reprinted
}

func (x *unflower) isInTheWay(n *yaml.Node) bool {
	return len(n.Content) > 0 && (x.targets[n] || slices.ContainsFunc(n.Content, x.isInTheWay))
}

// expand puts block style in the place of a flow collection, whose key is key;
// nil: it is the document or a list's item.
func (x *unflower) expand(n, key *yaml.Node, path string) {
	before, indent := x.before(n), n.Column-1
	onMarker := key == nil && isMarker(before, "---")
	switch {
	case onMarker:
		indent = 0
	case key != nil && n.Kind == yaml.MappingNode:
		indent = key.Column - 1 + flowStep
	case key != nil:
		indent = key.Column - 1
	}
	f, text, length, err := x.flowAt(n, indent)
	if err != nil {
		return
	}
	tail, _, _ := strings.Cut(text[length:], "\n")
	if !isCommentOrBlank(tail) {
		return
	}
	lines, trimmed := f.lines, strings.TrimRight(before, " \t")
	beside, above := heads(f.head, strings.TrimSpace(tail), indent)
	switch {
	case trimmed == "":
		lines = slices.Concat(commentLines(indent, strings.TrimSpace(tail), f.head), lines)
	case key == nil && !onMarker:
		lines = slices.Concat(above, underDash(trimmed, beside, lines))
	default:
		lines = slices.Concat([]string{trimmed + beside}, above, lines)
	}
	x.replace(n.Line-1, n.Line+strings.Count(text[:length], "\n"), lines...)
	x.found = append(x.found, located{path, n})
}
