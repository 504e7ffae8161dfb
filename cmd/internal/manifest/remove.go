package manifest

import (
	"go.yaml.in/yaml/v4"
)

// canRemove tells whether the annotations of a pod can be taken out of its
// lines, and notes a finding if not.
func (w *rewriter) canRemove(p *pod) bool {
	path := join(p.path, "metadata")
	key, metadata, err := block(p.node, "metadata")
	if err == nil {
		path = p.annotationsPath()
		key, _, err = block(metadata, "annotations")
	}
	if err == nil {
		path = join(p.path, "spec")
		key, _, err = block(p.node, "spec")
	}
	if err != nil {
		w.refuse(lineOr(key, w.at), path, "%v", err)
	}
	return err == nil
}

// removeAnnotations takes annotations out of a pod, and the mappings around
// them that would be empty, unless they were before.
func (w *rewriter) removeAnnotations(p *pod, backs []back) {
	metadataKey, metadata := written(p.node, "metadata")
	key, annotations := written(metadata, "annotations")
	end := w.entryEnd(key, annotations)
	gone := 1 // lines of the annotations, their own key's included
	for i := range backs {
		e := backs[i].entry
		gone += w.entryEnd(e.key, e.value) - (e.key.Line - 1)
	}
	whole := gone == end-(key.Line-1)
	if len(annotations.Content) > 2*len(backs) {
		w.removeEntries(annotations, backs)
		return
	}
	raw, tail, _ := w.keyTail(key)
	if closed, was := closedTail(tail); was != nil || !whole {
		if was == nil {
			was, closed = emptyMapping(), " {}"+tail
		}
		w.replace(key.Line-1, key.Line, w.before(key)+raw+":"+closed)
		w.removeEntries(annotations, backs)
		*annotations = *was
		return
	}
	if len(metadata.Content) > 2 {
		w.replace(key.Line-1, end)
		remove(metadata, key)
		return
	}
	w.removeLast(p, metadataKey, key)
}

// removeEntries takes annotations out.
func (w *rewriter) removeEntries(annotations *yaml.Node, backs []back) {
	for i := range backs {
		e := backs[i].entry
		w.replace(e.key.Line-1, w.entryEnd(e.key, e.value))
		remove(annotations, e.key)
	}
}

// removeLast takes out the annotations of a pod that are all of its metadata.
func (w *rewriter) removeLast(p *pod, key, annotationsKey *yaml.Node) {
	_, metadata := written(p.node, "metadata")
	_, annotations := written(metadata, "annotations")
	raw, tail, _ := w.keyTail(key)
	end := w.entryEnd(annotationsKey, annotations)
	closed, was := closedTail(tail)
	alone := annotationsKey.Line == key.Line+1 && end == w.entryEnd(key, metadata)
	if was == nil && alone && w.removeMetadata(p, key, end) {
		remove(p.node, key)
		return
	}
	if was == nil {
		was, closed = emptyMapping(), " {}"+tail
	}
	w.replace(key.Line-1, key.Line, w.before(key)+raw+":"+closed)
	w.replace(annotationsKey.Line-1, end)
	*metadata = *was
}

// removeMetadata takes the lines of a pod's metadata out; false: what comes
// behind them would not stand where they begin.
func (w *rewriter) removeMetadata(p *pod, key *yaml.Node, end int) bool {
	before := w.before(key)
	if isBlank(before) {
		w.replace(key.Line-1, end)
		return true
	}
	next, _ := written(p.node, "spec")
	if next.Line != end+1 {
		return false
	}
	w.replace(key.Line-1, end+1, before+w.from(next))
	return true
}
