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

// takeBack reads an annotation and checks that its container can have it.
func (w *rewriter) takeBack(p *pod, e entry, c *container) (back, bool) {
	v := newValue(e, keyPath(p.annotationsPath(), e.key.Value))
	b := back{container: c, entry: e, root: v.root, step: 2}
	before := w.Count(Error)
	switch {
	case !w.canEdit(e.key, v.path):
	case c == nil:
		w.refuse(v.at, v.path, "the pod has no such container")
	case v.root == nil:
		w.refuse(v.at, v.path, "cannot be rewritten: its value is not plain YAML")
	case field(c.node, "lifecycle") != nil:
		w.refuse(v.at, v.path, "the container has a lifecycle beside it: remove one of them")
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
	}
	if w.Count(Error) > before {
		return b, false
	}
	b.lines = strings.Split(strings.TrimRight(v.text, "\n"), "\n")
	if v.first > 0 {
		w.readBlock(&b)
	}
	return b, true
}

// blockHeader is a literal block scalar's, and a comment behind it.
var blockHeader = regexp.MustCompile(`^ +\|[-+0-9]*( .*)?$`)

// readBlock takes from a block scalar what is not in its value.
func (w *rewriter) readBlock(b *back) {
	tail, _ := w.keyTail(b.entry.key)
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
	indent := columns(b.container.node)
	line, found := w.findMarker(p, b.container, indent)
	if key, _ := written(b.container.node, "lifecycle"); key != nil { // it is null
		line, found = key.Line-1, true
		remove(b.container.node, key)
	}
	prefix := spaces(indent)
	if found {
		prefix = w.lines[line][:indent]
	}
	with := []string{prefix + "lifecycle:" + b.head}
	if b.root.Style&yaml.FlowStyle != 0 && strings.HasPrefix(b.lines[0], "{") {
		with[0] = prefix + "lifecycle: " + b.lines[0]
		b.lines = b.lines[1:]
	}
	with = append(with, reindent(b.lines, 0, indent+b.step, 0)...)
	if found {
		w.replace(line, line+1, with...)
	} else {
		fields := entries(b.container.node)
		last := fields[len(fields)-1]
		w.insert(w.entryEnd(last.key, last.value), with...)
	}
	put(b.container.node, "lifecycle", b.root)
}

// findMarker returns the line of the comment that stands for the lifecycle of c.
func (w *rewriter) findMarker(p *pod, c *container, indent int) (line int, found bool) {
	key, list := written(p.spec, c.list)
	end, mark := w.entryEnd(key, list), marker(c.name)
	for i := key.Line; i < end; i++ {
		before, ok := strings.CutSuffix(strings.TrimRight(w.lines[i], " "), mark)
		if ok && len(before) == indent && strings.Trim(before, " -") == "" {
			return i, true
		}
	}
	return 0, false
}
