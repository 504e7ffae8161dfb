package manifest

import (
	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// annotate adds an annotation to the pod for each lifecycle, or adds the
// lifecycle to the one that is there.
func (w *rewriter) annotate(p *pod, moves []*move) {
	var fresh []*move
	keep := false
	existing := field(p.metadata, "annotations")
	for _, m := range moves {
		if name := hooks.AnnotationPrefix + m.name; field(existing, name) != nil {
			w.merge(p, m, name)
			continue
		}
		fresh = append(fresh, m)
		keep = keep || m.chomp == "+"
	}
	if len(fresh) == 0 {
		return
	}
	annotations, at, indent := w.openAnnotations(p, keep)
	if annotations == nil {
		return
	}
	for _, m := range fresh {
		name := hooks.AnnotationPrefix + m.name
		lines := []string{spaces(indent) + name + ": |" + m.chomp + m.head}
		w.insert(at, append(lines, reindent(m.lines, 0, indent+m.step, 0)...)...)
		_, text, _ := blockScalar(m.lines, m.entry.value)
		put(annotations, name, scalar(text))
	}
}

// openAnnotations returns a pod's annotations, the line before which one can be
// added and its indentation; nil, with a finding: it cannot. It makes the mapping
// for them, and that for the mapping, where there is none, in lines and nodes.
// With first no empty line can follow, which would belong to the annotation.
func (w *rewriter) openAnnotations(p *pod, first bool) (annotations *yaml.Node, at, indent int) {
	if key, _ := written(p.node, "metadata"); key == nil && p.metadata == nil {
		return w.newMetadata(p)
	}
	key, metadata, ok := w.openMapping(p.node, "metadata", join(p.path, "metadata"))
	if !ok {
		return nil, 0, 0
	}
	p.metadata = metadata
	at, indent = w.room(key, metadata, flowStep, first)
	step := max(indent-(key.Column-1), 1)
	if under, _ := written(metadata, "annotations"); under == nil && field(metadata, "annotations") == nil {
		w.insert(at, spaces(indent)+"annotations:")
		annotations = emptyMapping()
		put(metadata, "annotations", annotations)
		return annotations, at, indent + step
	}
	key, annotations, ok = w.openMapping(metadata, "annotations", p.annotationsPath())
	if !ok {
		return nil, 0, 0
	}
	at, indent = w.room(key, annotations, step, first)
	return annotations, at, indent
}

// room is the line before which an entry comes that is added to a mapping, and
// its indentation, which is step deeper than the key where there is no other.
func (w *rewriter) room(key, value *yaml.Node, step int, first bool) (at, indent int) {
	at = key.Line
	switch {
	case len(value.Content) == 0:
		return at, key.Column - 1 + step
	case !first:
		return w.entryEnd(key, value), columns(value)
	}
	for at < value.Line-1 && isBlank(w.lines[at]) {
		at++
	}
	return at, columns(value)
}

// openMapping returns a field that is a mapping in block style. One that is
// null or {} becomes an empty one to which lines can be added; false, with a
// finding: that cannot be.
func (w *rewriter) openMapping(n *yaml.Node, name, path string) (key, value *yaml.Node, ok bool) {
	key, value, err := own(n, name)
	switch {
	case err != nil:
	case key == nil:
		err = errMerged
	case present(value) != nil && (value.Kind != yaml.MappingNode || len(value.Content) > 0 && value.Style&yaml.FlowStyle != 0):
		err = errFlow
	case len(value.Content) == 0:
		err = w.open(key, value)
	}
	return key, value, w.isFine(err, key, path)
}

// open makes an empty mapping that can have lines of what is null or {}.
func (w *rewriter) open(key, value *yaml.Node) error {
	raw, tail, ok := w.keyTail(key)
	opened, empty := openTail(tail)
	if !ok || !empty || value.Line > key.Line && present(value) != nil {
		return errEmpty
	}
	if opened != tail {
		w.replace(key.Line-1, key.Line, w.before(key)+raw+":"+opened)
	}
	*value = *emptyMapping()
	return nil
}

// newMetadata is openAnnotations for a pod that has no metadata, which comes before
// its spec.
func (w *rewriter) newMetadata(p *pod) (annotations *yaml.Node, at, indent int) {
	key, spec, ok := w.block(p.node, "spec", join(p.path, "spec"))
	if !ok {
		return nil, 0, 0
	}
	indent = key.Column - 1
	step := columns(spec) - indent
	w.insert(key.Line-1, w.before(key)+"metadata:", spaces(indent+step)+"annotations:")
	// The line of the spec itself begins anew: what is before its key may be a
	// list's dash, which now is before the metadata.
	w.replace(key.Line-1, key.Line, spaces(indent)+w.from(key))
	annotations, p.metadata = emptyMapping(), emptyMapping()
	put(p.metadata, "annotations", annotations)
	put(p.node, "metadata", p.metadata)
	return annotations, key.Line - 1, indent + 2*step
}
