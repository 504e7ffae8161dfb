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
	var backs []back
	for _, e := range mergedEntries(field(p.metadata, "annotations")) {
		name, ours := strings.CutPrefix(e.key.Value, hooks.AnnotationPrefix)
		if !ours {
			continue
		}
		if b, ok := w.takeBack(p, e, find(containers, name)); ok {
			backs = append(backs, b)
		}
	}
	if len(backs) == 0 {
		return
	}
	w.changed, w.at = true, backs[0].entry.key.Line
	if !w.canRemove(p) {
		return
	}
	for i := range backs {
		w.giveBack(p, &backs[i])
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

// takeBack reads an annotation and checks that its container can have it.
func (w *rewriter) takeBack(p *pod, e entry, c *container) (back, bool) {
	v := w.newValue(e, keyPath(p.annotationsPath(), e.key.Value))
	b := back{container: c, entry: e, root: v.root, step: flowStep}
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
			w.refuse(v.line(u.key.Line), join(v.path, u.path), "is unknown to Kubernetes: it would be lost")
		}
		w.beside(c, &v)
	}
	if w.Count(Error) > before {
		return b, false
	}
	b.lines = valueLines(&v)
	if v.first > 0 {
		w.readBlock(&b)
	}
	return b, true
}

// beside checks that a container's own lifecycle can take what an annotation has.
func (w *rewriter) beside(c *container, v *value) {
	lifecycle := field(c.node, "lifecycle")
	if lifecycle == nil {
		return
	}
	path := join(c.path, "lifecycle")
	key, value, err := own(c.node, "lifecycle")
	switch {
	case err != nil:
		w.refuse(lineOr(key, c.node.Line), path, "%v", err)
	case value.Kind != yaml.MappingNode:
		w.refuse(key.Line, path, "must be a mapping")
	default:
		w.conflicts(value, path, v)
	}
}

// blockHeader is a literal block scalar's, and a comment behind it.
var blockHeader = regexp.MustCompile(`^[ \t]+\|[-+0-9]*([ \t].*)?$`)

// readBlock takes from a block scalar what is not in its value.
func (w *rewriter) readBlock(b *back) {
	_, tail, _ := w.keyTail(b.entry.key)
	if found := blockHeader.FindStringSubmatch(tail); found != nil && isQuiet(found[1]) {
		b.head = found[1]
	}
	for i, line := range b.lines {
		if at := b.entry.value.Line + i; !isBlank(line) && at < len(w.lines) {
			b.step = len(w.lines[at]) - len(line) - (b.entry.key.Column - 1)
			return
		}
	}
}

// giveBack writes a lifecycle into its container.
func (w *rewriter) giveBack(p *pod, b *back) {
	if key, value := written(b.container.node, "lifecycle"); key != nil && present(value) != nil && len(value.Content) > 0 {
		w.mergeBack(b, key, value)
		return
	}
	indent := columns(b.container.node)
	line, found, below := 0, false, false
	prefix, raw, blanks := spaces(indent), "lifecycle", " "
	if key, _ := written(b.container.node, "lifecycle"); key != nil { // it is null or empty
		line, found, prefix = key.Line-1, true, w.before(key)
		remove(b.container.node, key)
	} else if m := w.findMarker(p, b.container); m != nil {
		line, found, below, prefix, raw, blanks = m.line, true, m.below, m.beforeKey, m.key, m.blanks
	}
	with := []string{prefix + raw + ":" + b.head}
	step := b.step
	if b.root.Style&yaml.FlowStyle != 0 && strings.HasPrefix(b.lines[0], "{") && !below {
		with[0] = prefix + raw + ":" + blanks + b.lines[0]
		b.lines = b.lines[1:]
		step = max(step-flowStep, 0)
	}
	with = append(with, reindent(b.lines, 0, indent+step, 0)...)
	if found {
		w.replace(line, line+1, with...)
	} else {
		fields := entries(b.container.node)
		last := fields[len(fields)-1]
		w.insert(w.entryEnd(last.key, last.value), with...)
	}
	put(b.container.node, "lifecycle", b.root)
}

// mergeBack adds an annotation to the lifecycle that its container has.
func (w *rewriter) mergeBack(b *back, key, value *yaml.Node) {
	lines, err := blockLines(b.lines)
	chomp, _, _ := blockScalar(b.lines, b.root)
	switch {
	case err != nil || chomp == "-":
		w.refuse(key.Line, join(b.container.path, "lifecycle"), "has the annotation %s beside it (line %d): merge the two", b.entry.key.Value, w.doc.fileLine(b.entry.key.Line))
		return
	case value.Style&yaml.FlowStyle != 0:
		w.refuse(key.Line, join(b.container.path, "lifecycle"), "%v", errFlow)
		return
	}
	if head := strings.TrimLeft(b.head, " \t"); head != "" {
		lines = append([]string{head}, lines...)
	}
	w.insert(w.entryEnd(key, value), reindent(lines, 0, columns(value), 0)...)
	value.Content = append(value.Content, content(b.root)...)
}
