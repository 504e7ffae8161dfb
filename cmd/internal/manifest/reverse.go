package manifest

import (
	"regexp"
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// back is an annotation on its way back to its container.
type back struct {
	container *container
	entry     entry
	root      *yaml.Node // of the value
	head      string     // what follows the header of the block scalar: nothing, or a comment
	lines     []string   // of the value
	step      int        // by how much they are to be indented below the key
}

// reverse moves the annotations of a pod to its containers.
func (w *rewriter) reverse(p *pod) {
	containers := p.containers()
	var backs []*back
	for _, e := range mergedEntries(field(p.metadata, "annotations")) {
		name, ours := strings.CutPrefix(e.key.Value, hooks.AnnotationPrefix)
		if !ours {
			continue
		}
		if b := w.takeBack(p, e, find(containers, name)); b != nil {
			backs = append(backs, b)
		}
	}
	if len(backs) == 0 {
		return
	}
	w.at = backs[0].entry.key.Line
	if !w.canRemove(p) {
		return
	}
	for _, b := range backs {
		w.giveBack(p, b)
	}
	w.removeAnnotations(p, backs)
	w.removeRuntimeClass(p)
}

// reverseTargets are the nodes in whose lines reverse works.
func reverseTargets(p *pod, targets map[*yaml.Node]bool) {
	containers := p.containers()
	for _, e := range mergedEntries(field(p.metadata, "annotations")) {
		name, ours := strings.CutPrefix(e.key.Value, hooks.AnnotationPrefix)
		if c := find(containers, name); ours && c != nil {
			p.target(c, targets)
			targets[field(c.node, "lifecycle")] = true
		}
	}
}

// takeBack reads an annotation; nil, with a finding: its container cannot have it.
func (w *rewriter) takeBack(p *pod, e entry, c *container) *back {
	v := w.value(e, keyPath(p.annotationsPath(), e.key.Value))
	before := w.Count(Error)
	switch {
	case !w.canEdit(e.key, v.path):
	case c == nil:
		w.refuse(v.at, v.path, "the pod has no such container")
	case v.root == nil:
		w.refuse(v.at, v.path, "cannot be rewritten: its value is not plain YAML")
	default:
		if err := editable(p, c); err != nil {
			w.refuse(v.at, c.path, "%v", err)
		}
		if _, _, err := own(field(p.metadata, "annotations"), e.key.Value); err != nil {
			w.refuse(v.at, v.path, "%v", err)
		}
		for _, u := range kubernetesLifecycle().unknown(v.root, "") {
			w.refuse(v.line(u.node.Line), join(v.path, u.path), "is unknown to Kubernetes: it would be lost")
		}
		w.checkLifecycle(c, v)
	}
	if w.Count(Error) > before {
		return nil
	}
	b := w.newBack(e, v)
	b.container = c
	return b
}

// checkLifecycle notes why a container's own lifecycle, if it has one, cannot take
// what an annotation has.
func (w *rewriter) checkLifecycle(c *container, v *value) {
	path := join(c.path, "lifecycle")
	key, lifecycle, err := own(c.node, "lifecycle")
	if key == nil {
		key = c.node
	}
	switch {
	case field(c.node, "lifecycle") == nil, !w.isFine(err, key, path):
	case lifecycle.Kind != yaml.MappingNode:
		w.refuse(key.Line, path, "must be a mapping")
	default:
		w.conflicts(lifecycle, path, v)
	}
}

// blockHeader is a literal block scalar's, and a comment behind it.
var blockHeader = regexp.MustCompile(`^[ \t]+\|[-+0-9]*([ \t].*)?$`)

// newBack reads the lines of an annotation's value and, of a block scalar, what
// is not in the value.
func (w *rewriter) newBack(e entry, v *value) *back {
	b := &back{entry: e, root: v.root, step: flowStep, lines: strings.Split(strings.TrimSuffix(v.text, "\n"), "\n")}
	if v.first == 0 {
		return b
	}
	_, tail, _ := w.keyTail(e.key)
	if found := blockHeader.FindStringSubmatch(tail); found != nil && isCommentOrBlank(found[1]) {
		b.head = found[1]
	}
	for i, line := range b.lines {
		if at := e.value.Line + i; !isBlank(line) && at < len(w.lines) {
			b.step = len(w.lines[at]) - len(line) - (e.key.Column - 1)
			break
		}
	}
	return b
}

// giveBack writes a lifecycle into its container.
func (w *rewriter) giveBack(p *pod, b *back) {
	c := b.container.node
	indent := columns(c)
	at := marker{key: "lifecycle", blanks: " ", beforeKey: spaces(indent), line: -1}
	switch key, value := written(c, "lifecycle"); {
	case key != nil && present(value) != nil && len(value.Content) > 0:
		w.mergeBack(b, key, value)
		return
	case key != nil: // it is null or empty
		at.line, at.beforeKey = key.Line-1, w.before(key)
		remove(c, key)
	default:
		if m := w.findMarker(p, b.container); m != nil {
			at = *m
		}
	}
	with := []string{at.beforeKey + at.key + ":" + b.head}
	step := b.step
	if b.root.Style&yaml.FlowStyle != 0 && strings.HasPrefix(b.lines[0], "{") && !at.below {
		with[0] = at.beforeKey + at.key + ":" + at.blanks + b.lines[0]
		b.lines = b.lines[1:]
		step = max(step-flowStep, 0)
	}
	with = append(with, reindent(b.lines, 0, indent+step, 0)...)
	if at.line >= 0 {
		w.replace(at.line, at.line+1, with...)
	} else {
		fields := entries(c)
		last := fields[len(fields)-1]
		w.insert(w.entryEnd(last.key, last.value), with...)
	}
	put(c, "lifecycle", b.root)
}

// mergeBack adds an annotation to the lifecycle that its container has.
func (w *rewriter) mergeBack(b *back, key, value *yaml.Node) {
	lines, err := blockLines(b.head, b.lines)
	chomp, _, _ := blockScalar(b.lines, b.root)
	switch {
	case err != nil || chomp == "-":
		w.refuse(key.Line, join(b.container.path, "lifecycle"), "has the annotation %s beside it (line %d): merge the two", b.entry.key.Value, w.doc.fileLine(b.entry.key.Line))
		return
	case value.Style&yaml.FlowStyle != 0:
		w.refuse(key.Line, join(b.container.path, "lifecycle"), "%v", errFlow)
		return
	}
	w.insert(w.entryEnd(key, value), reindent(lines, 0, columns(value), 0)...)
	value.Content = append(value.Content, b.root.Content...)
}
