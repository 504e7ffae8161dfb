package manifest

import (
	"go.yaml.in/yaml/v4"
)

// canRemove tells whether the annotations of a pod can be taken out of its
// lines, and notes a finding if not.
func (w *rewriter) canRemove(p *pod) bool {
	_, metadata, ok := w.block(p.node, "metadata", join(p.path, "metadata"))
	if ok {
		_, _, ok = w.block(metadata, "annotations", p.annotationsPath())
	}
	if ok {
		_, _, ok = w.block(p.node, "spec", join(p.path, "spec"))
	}
	return ok
}

// removeAnnotations takes annotations out of a pod, and the mappings around
// them that would be empty, unless they were before.
func (w *rewriter) removeAnnotations(p *pod, backs []*back) {
	metadataKey, metadata := written(p.node, "metadata")
	key, annotations := written(metadata, "annotations")
	end := w.entryEnd(key, annotations)
	gone := 1 // lines of the annotations, their own key's included
	for _, b := range backs {
		e := b.entry
		gone += w.entryEnd(e.key, e.value) - (e.key.Line - 1)
	}
	whole := gone == end-(key.Line-1)
	if len(annotations.Content) > 2*len(backs) || w.closeMapping(key, annotations, !whole) {
		for _, b := range backs {
			e := b.entry
			w.replace(e.key.Line-1, w.entryEnd(e.key, e.value))
			remove(annotations, e.key)
		}
		return
	}
	if len(metadata.Content) > 2 {
		w.replace(key.Line-1, end)
		remove(metadata, key)
		return
	}
	w.removeLast(p, metadataKey, key)
}

// closeMapping writes anew what was behind the key of a mapping whose entries
// go; false: nothing was, so that the key can go with them, unless it stays.
func (w *rewriter) closeMapping(key, value *yaml.Node, stays bool) bool {
	raw, tail, _ := w.keyTail(key)
	closed, was := closedTail(tail)
	if was == nil {
		if !stays {
			return false
		}
		closed, was = " {}"+tail, emptyMapping()
	}
	w.replace(key.Line-1, key.Line, w.before(key)+raw+":"+closed)
	*value = *was
	return true
}

// removeLast takes out the annotations of a pod that are all of its metadata.
func (w *rewriter) removeLast(p *pod, key, annotationsKey *yaml.Node) {
	_, metadata := written(p.node, "metadata")
	_, annotations := written(metadata, "annotations")
	end := w.entryEnd(annotationsKey, annotations)
	alone := annotationsKey.Line == key.Line+1 && end == w.entryEnd(key, metadata)
	if !w.closeMapping(key, metadata, !alone) {
		if w.removeMetadata(p, key, end) {
			return
		}
		w.closeMapping(key, metadata, true)
	}
	w.replace(annotationsKey.Line-1, end)
}

// removeMetadata takes a pod's metadata out; false: what comes behind its lines
// would not stand where they begin.
func (w *rewriter) removeMetadata(p *pod, key *yaml.Node, end int) bool {
	before, next := w.before(key), []string{}
	if !isBlank(before) {
		spec, _ := written(p.node, "spec")
		if spec.Line != end+1 {
			return false
		}
		end, next = end+1, []string{before + w.from(spec)}
	}
	w.replace(key.Line-1, end, next...)
	remove(p.node, key)
	return true
}
