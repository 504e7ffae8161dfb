package manifest

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// merge adds a lifecycle to the annotation that its container has already.
func (w *rewriter) merge(p *pod, m *move, name string) {
	key, old, err := own(field(p.metadata, "annotations"), name)
	path := join(m.container.path, "lifecycle")
	if err != nil || key == nil {
		w.refuse(m.entry.key.Line, path, "has the annotation %s beside it, which %v", name, errMerged)
		return
	}
	v := w.value(entry{key, old}, keyPath(p.annotationsPath(), name))
	if w.conflicts(m.entry.value, path, v) {
		return
	}
	b := w.newBack(entry{key, old}, v)
	lines, err := blockLines("", b.lines)
	added, errAdded := blockLines(m.head, m.lines)
	both := emptyMapping()
	if v.root != nil {
		both.Content = slices.Clone(v.root.Content)
	}
	both.Content = append(both.Content, m.entry.value.Content...)
	all := slices.Concat(lines, added)
	chomp, text, ok := blockScalar(all, both)
	if !ok { // what is first may be a text that has to be last
		all = slices.Concat(added, lines)
		chomp, text, ok = blockScalar(all, both)
	}
	raw, _, plain := w.keyTail(key)
	if err != nil || errAdded != nil || !ok || !plain {
		w.refuse(m.entry.key.Line, path, "has the annotation %s beside it (line %d): merge the two", name, w.doc.fileLine(key.Line))
		return
	}
	w.replace(key.Line-1, w.entryEnd(key, old), append([]string{w.before(key) + raw + ": |" + chomp + b.head},
		reindent(all, 0, key.Column-1+b.step, 0)...)...)
	if v.first == 0 || !slices.Equal(lines, b.lines) {
		w.add(Note, key.Line, v.path, "was reprinted in block style, to join the lifecycle of its container")
	}
	*old = *scalar(text)
}

// conflicts notes the hooks of a lifecycle that the annotation v has too.
func (w *rewriter) conflicts(lifecycle *yaml.Node, path string, v *value) bool {
	found := false
	for _, e := range entries(lifecycle) {
		if key, _ := written(v.root, e.key.Value); key != nil {
			w.refuse(e.key.Line, join(path, e.key.Value), "is in the annotation %s too (line %d): merge the two into one, they may do different things",
				v.source, w.doc.fileLine(v.line(key.Line)))
			found = true
		}
	}
	return found
}

// blockLines returns the lines of a mapping in block style, under a comment.
func blockLines(comment string, lines []string) ([]string, error) {
	above := commentLines(0, strings.TrimLeft(comment, " \t"))
	root := rootOf(strings.Join(lines, "\n"))
	if root == nil || root.Style&yaml.FlowStyle == 0 {
		return append(above, lines...), nil
	}
	text := strings.Join(lines[root.Line-1:], "\n")[root.Column-1:]
	f, length, err := readFlow(text, 0)
	if err != nil {
		return nil, err
	}
	above = append(append(above, lines[:root.Line-1]...), commentLines(0, f.head)...)
	if tail := strings.TrimSpace(text[length:]); tail != "" {
		above = append(above, strings.Split(tail, "\n")...)
	}
	return append(above, f.lines...), nil
}
