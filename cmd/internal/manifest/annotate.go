package manifest

import (
	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// annotate adds an annotation to the pod for each lifecycle, or adds the
// lifecycle to the one that is there.
func (w *rewriter) annotate(p *pod, moves []move) {
	var fresh []move
	keep := false
	existing := field(p.metadata, "annotations")
	for i := range moves {
		m := &moves[i]
		if name := hooks.AnnotationPrefix + m.container.name; field(existing, name) != nil {
			w.merge(p, m, name)
			continue
		}
		fresh = append(fresh, *m)
		keep = keep || m.chomp == "+"
	}
	if len(fresh) == 0 {
		return
	}
	place, err := w.annotationsPlace(p, keep)
	if err != nil {
		w.refuse(place.at, place.path, "%v", err)
		return
	}
	for i := range fresh {
		m := &fresh[i]
		w.insert(place.at, m.annotation(place.indent)...)
		_, text, _ := blockScalar(m.lines, m.value)
		put(place.node, hooks.AnnotationPrefix+m.container.name, scalar(text))
	}
}

// annotation returns the lines of the annotation for m.
func (m *move) annotation(indent int) []string {
	lines := []string{spaces(indent) + hooks.AnnotationPrefix + m.container.name + ": |" + m.chomp + m.head}
	return append(lines, reindent(m.lines, 0, indent+m.step, 0)...)
}

// place is where annotations are to be added.
type place struct {
	node   *yaml.Node // that has them
	at     int        // the line before which they come
	indent int
	path   string // of what is in the way, at the line at, with an error
}

// annotationsPlace returns where to add annotations. It makes the mapping for
// them, and that for the mapping, where there is none, in lines and nodes. With
// first no empty line can follow, which would belong to the annotation.
func (w *rewriter) annotationsPlace(p *pod, first bool) (place, error) {
	if key, _ := written(p.node, "metadata"); key == nil && p.metadata == nil {
		return w.newMetadata(p)
	}
	key, metadata, err := w.openMapping(p.node, "metadata")
	if err != nil {
		return place{at: lineOr(key, w.at), path: join(p.path, "metadata")}, err
	}
	p.metadata = metadata
	under, _ := written(metadata, "annotations")
	if under == nil && field(metadata, "annotations") == nil {
		at, indent, step := key.Line, key.Column-1+flowStep, flowStep
		if len(metadata.Content) > 0 {
			at, indent = w.edge(key, metadata, first), columns(metadata)
			step = indent - (key.Column - 1)
		}
		w.insert(at, spaces(indent)+"annotations:")
		annotations := emptyMapping()
		put(metadata, "annotations", annotations)
		return place{node: annotations, at: at, indent: indent + max(step, 1)}, nil
	}
	step := columns(metadata) - (key.Column - 1)
	key, annotations, err := w.openMapping(metadata, "annotations")
	switch {
	case err != nil:
		return place{at: lineOr(key, w.at), path: p.annotationsPath()}, err
	case len(annotations.Content) == 0:
		return place{node: annotations, at: key.Line, indent: key.Column - 1 + max(step, 1)}, nil
	}
	return place{node: annotations, at: w.edge(key, annotations, first), indent: columns(annotations)}, nil
}

// edge is the line before which an entry comes that is added to a mapping.
func (w *rewriter) edge(key, value *yaml.Node, first bool) int {
	if !first {
		return w.entryEnd(key, value)
	}
	at := key.Line
	for at < value.Line-1 && isBlank(w.lines[at]) {
		at++
	}
	return at
}

// openMapping returns a field that is a mapping in block style. One that is
// null or {} becomes an empty one to which lines can be added.
func (w *rewriter) openMapping(n *yaml.Node, name string) (key, value *yaml.Node, err error) {
	key, value, err = own(n, name)
	switch {
	case err != nil:
		return key, value, err
	case key == nil:
		return key, value, errMerged
	}
	raw, tail, ok := w.keyTail(key)
	switch {
	case present(value) != nil && (value.Kind != yaml.MappingNode || len(value.Content) > 0 && value.Style&yaml.FlowStyle != 0):
		return key, value, errFlow
	case len(value.Content) > 0:
		return key, value, nil
	}
	opened, empty := openTail(tail)
	if !ok || !empty || value.Line > key.Line && present(value) != nil {
		return key, value, errEmpty
	}
	if opened != tail {
		w.replace(key.Line-1, key.Line, w.before(key)+raw+":"+opened)
	}
	*value = *emptyMapping()
	return key, value, nil
}

// newMetadata writes metadata before the pod's spec, for one that has none.
func (w *rewriter) newMetadata(p *pod) (place, error) {
	key, spec, err := block(p.node, "spec")
	if err != nil {
		return place{at: lineOr(key, w.at), path: join(p.path, "spec")}, err
	}
	indent := key.Column - 1
	step := columns(spec) - indent
	w.insert(key.Line-1, w.before(key)+"metadata:", spaces(indent+step)+"annotations:")
	// The line of the spec itself begins anew: what is before its key may be a
	// list's dash, which now is before the metadata.
	w.replace(key.Line-1, key.Line, spaces(indent)+w.from(key))
	annotations := emptyMapping()
	p.metadata = emptyMapping()
	put(p.metadata, "annotations", annotations)
	put(p.node, "metadata", p.metadata)
	return place{node: annotations, at: key.Line - 1, indent: indent + 2*step}, nil
}
