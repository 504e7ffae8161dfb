package manifest

import (
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// annotate adds an annotation to the pod for each lifecycle.
func (w *rewriter) annotate(p *pod, moves []move) {
	existing := field(p.metadata, "annotations")
	for i := range moves {
		name := hooks.AnnotationPrefix + moves[i].container.name
		if field(existing, name) != nil {
			w.refuse(moves[i].key.Line, join(moves[i].container.path, "lifecycle"), "has the annotation %s beside it: remove one of them", name)
			return
		}
	}
	at, indent, err := w.annotationsPlace(p)
	if err != nil {
		w.refuse(w.at, p.annotationsPath(), "%v", err)
		return
	}
	_, annotations := written(p.metadata, "annotations")
	for i := range moves {
		w.insert(at, moves[i].annotation(indent)...)
		put(annotations, hooks.AnnotationPrefix+moves[i].container.name, scalar(strings.Join(moves[i].lines, "\n")+"\n"))
	}
}

// annotationsPlace returns the line before which an annotation is to be added,
// and its indentation. It makes the mapping for it, and that for the mapping,
// where there is none, in lines and nodes.
func (w *rewriter) annotationsPlace(p *pod) (at, indent int, err error) {
	if key, _ := written(p.node, "metadata"); key == nil && p.metadata == nil {
		return w.newMetadata(p)
	}
	key, metadata, err := w.openMapping(p.node, "metadata")
	if err != nil {
		return 0, 0, err
	}
	p.metadata = metadata
	if len(metadata.Content) == 0 {
		indent = key.Column + 1
		w.insert(key.Line, spaces(indent)+"annotations:")
		put(metadata, "annotations", &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"})
		return key.Line, indent + 2, nil
	}
	step := columns(metadata) - (key.Column - 1)
	if under, _ := written(metadata, "annotations"); under == nil && field(metadata, "annotations") == nil {
		at, indent = w.entryEnd(key, metadata), columns(metadata)
		w.insert(at, spaces(indent)+"annotations:")
		put(metadata, "annotations", &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"})
		return at, indent + step, nil
	}
	key, annotations, err := w.openMapping(metadata, "annotations")
	switch {
	case err != nil:
		return 0, 0, err
	case len(annotations.Content) == 0:
		return key.Line, key.Column - 1 + step, nil
	}
	return w.entryEnd(key, annotations), columns(annotations), nil
}

// openMapping returns a field that is a mapping in block style. One that is
// null or {} becomes an empty one to which lines can be added.
func (w *rewriter) openMapping(n *yaml.Node, name string) (key, value *yaml.Node, err error) {
	key, value, err = own(n, name)
	if err != nil || key == nil {
		return key, value, errMerged
	}
	tail, plain := w.keyTail(key)
	empty := present(value) == nil || isMapping(value) && len(value.Content) == 0
	switch {
	case empty && plain && (isQuiet(tail) || isQuiet(strings.Replace(tail, " {}", "", 1)) || isQuiet(strings.Replace(tail, " null", "", 1))):
		if !isQuiet(tail) {
			tail = strings.Replace(strings.Replace(tail, " {}", "", 1), " null", "", 1)
			w.replace(key.Line-1, key.Line, w.before(key)+name+":"+tail)
		}
		*value = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		return key, value, nil
	case empty || value.Style&yaml.FlowStyle != 0 || value.Kind != yaml.MappingNode:
		return key, value, errFlow
	}
	return key, value, nil
}

// newMetadata writes metadata before the pod's spec, for one that has none.
func (w *rewriter) newMetadata(p *pod) (at, indent int, err error) {
	key, spec, err := block(p.node, "spec")
	if err != nil {
		return 0, 0, err
	}
	indent = key.Column - 1
	step := columns(spec) - indent
	w.insert(key.Line-1, w.before(key)+"metadata:", spaces(indent+step)+"annotations:")
	// The line of the spec itself begins anew: what is before its key may be a
	// list's dash, which now is before the metadata.
	w.replace(key.Line-1, key.Line, spaces(indent)+w.from(key))
	annotations := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	p.metadata = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	put(p.metadata, "annotations", annotations)
	put(p.node, "metadata", p.metadata)
	return key.Line - 1, indent + 2*step, nil
}
