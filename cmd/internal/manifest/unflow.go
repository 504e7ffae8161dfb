package manifest

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// unflow prints anew, in block style, the flow collections that are in the way
// of a change: each that is one of targets or has one in it. The document is
// then another one, whose nodes know the lines of the file that theirs came from;
// false: it is as it was.
func (w *rewriter) unflow(targets map[*yaml.Node]bool) bool {
	x := &unflower{editor: &editor{lines: w.lines, ends: w.ends}, targets: targets}
	x.content = strings.Join(x.lines, "\n")
	x.starts = lineStarts(x.lines)
	x.visit(w.root, nil, "")
	if len(x.found) == 0 {
		return false
	}
	text := x.text()
	roots, _, err := readYAML(text)
	if err != nil || len(roots) != 1 || !equal(roots[0], w.root) {
		return false // what follows refuses the flow style with its place
	}
	for _, n := range x.found {
		what := ""
		if n.path == "" {
			what = "the document "
		}
		w.note(n.line, n.path, "%swas reprinted in block style: its flow style ({...}) has no lines for the change", what)
	}
	from := w.doc
	lines := make([]int, strings.Count(text, "\n")+1)
	placeLines(lines, from, roots[0], w.root)
	w.doc = &document{text: text, line: from.line, roots: roots, lines: lines}
	w.root, w.editor = roots[0], newEditor(text)
	return true
}

// placeLines finds the file's line for each line of a document that was printed
// anew, by the nodes that are on it.
func placeLines(lines []int, from *document, printed, old *yaml.Node) {
	var visit func(printed, old *yaml.Node)
	visit = func(printed, old *yaml.Node) {
		if at := printed.Line - 1; at < len(lines) && lines[at] == 0 {
			lines[at] = from.fileLine(old.Line)
		}
		for i := range printed.Content {
			visit(printed.Content[i], old.Content[i])
		}
	}
	visit(printed, old)
	last := from.fileLine(1)
	for i, line := range lines {
		if line == 0 {
			lines[i] = last
		}
		last = lines[i]
	}
}

// unflower prints flow collections of a document anew.
type unflower struct {
	*editor
	targets map[*yaml.Node]bool
	content string
	starts  []int // of the lines in content
	found   []foundFlow
}

// foundFlow is a collection that was reprinted.
type foundFlow struct {
	line int
	path string
}

func lineStarts(lines []string) []int {
	starts := make([]int, len(lines))
	for i := 1; i < len(lines); i++ {
		starts[i] = starts[i-1] + len(lines[i-1]) + 1
	}
	return starts
}

// visit looks at n, whose key is key; nil: it is the root or a list's item.
func (x *unflower) visit(n, key *yaml.Node, path string) {
	switch {
	case n.Style&yaml.FlowStyle != 0:
		if len(n.Content) > 0 && x.isInTheWay(n) {
			x.expand(n, key, path)
		}
	case n.Kind == yaml.MappingNode:
		for _, e := range entries(n) {
			x.visit(e.value, e.key, fieldPath(path, e.key.Value))
		}
	case n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			x.visit(item, nil, itemPath(path, i))
		}
	}
}

func (x *unflower) isInTheWay(n *yaml.Node) bool {
	if x.targets[n] && len(n.Content) > 0 {
		return true
	}
	for _, c := range n.Content {
		if x.isInTheWay(c) {
			return true
		}
	}
	return false
}

// expand puts block style in the place of a flow collection.
func (x *unflower) expand(n, key *yaml.Node, path string) {
	before := x.before(n)
	start := x.starts[n.Line-1] + len(before)
	f, length, err := readFlow(x.content[start:])
	if err != nil {
		return
	}
	tail, _, _ := strings.Cut(x.content[start+length:], "\n")
	if !isQuiet(tail) {
		return
	}
	item := flowItem{value: f, beside: strings.TrimSpace(tail)}
	end := n.Line + strings.Count(x.content[start:start+length], "\n")
	x.replace(n.Line-1, end, item.inPlace(before, n, key)...)
	x.found = append(x.found, foundFlow{n.Line, path})
}

// inPlace returns the lines of a collection in the place of n, behind before.
func (item *flowItem) inPlace(before string, n, key *yaml.Node) []string {
	indent, onMarker := n.Column-1, key == nil && isMarker(before, "---")
	switch {
	case key != nil && item.value.open == '{':
		indent = key.Column - 1 + flowStep
	case key != nil:
		indent = key.Column - 1
	case onMarker:
		indent = 0
	}
	trimmed := strings.TrimRight(before, " \t")
	switch {
	case trimmed == "":
		lines := []string{}
		for _, c := range []string{item.beside, item.value.head} {
			if c != "" {
				lines = append(lines, spaces(indent)+c)
			}
		}
		return append(lines, item.value.block(indent)...)
	case key == nil && !onMarker:
		beside, lines := item.heads(indent)
		return append(lines, underDash(trimmed, beside, item.value.block(indent))...)
	}
	beside, above := item.heads(indent)
	return append(append([]string{trimmed + beside}, above...), item.value.block(indent)...)
}
