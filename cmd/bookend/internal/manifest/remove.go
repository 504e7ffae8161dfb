package manifest

import (
	"go.yaml.in/yaml/v4"
)

// canRemove tells whether the annotations of a pod can be taken out of its
// lines, and notes a finding if not.
func (w *rewriter) canRemove(p *pod) bool {
	_, metadata, err := block(p.node, "metadata")
	if err == nil {
		_, _, err = block(metadata, "annotations")
	}
	if err == nil {
		_, _, err = block(p.node, "spec")
	}
	if err != nil {
		w.refuse(w.at, p.annotationsPath(), "%v", err)
	}
	return err == nil
}

// removeAnnotations takes annotations out of a pod, and the mappings around
// them that would be empty.
func (w *rewriter) removeAnnotations(p *pod, backs []back) {
	metadataKey, metadata := written(p.node, "metadata")
	key, annotations := written(metadata, "annotations")
	end, metadataEnd := w.entryEnd(key, annotations), w.entryEnd(metadataKey, metadata)
	gone := 1 // lines of the annotations, their own key's included
	for i := range backs {
		e := backs[i].entry
		gone += w.entryEnd(e.key, e.value) - (e.key.Line - 1)
	}
	last := len(annotations.Content) == 2*len(backs)
	switch {
	case last && gone == end-(key.Line-1) && len(metadata.Content) == 2 && metadataEnd == end && key.Line == metadataKey.Line+1 && w.removeMetadata(p, metadataKey, metadataEnd):
		remove(p.node, metadataKey)
		return
	case last && gone == end-(key.Line-1) && len(metadata.Content) > 2:
		w.replace(key.Line-1, end)
		remove(metadata, key)
		return
	case last:
		tail, _ := w.keyTail(key)
		w.replace(key.Line-1, key.Line, w.before(key)+"annotations: {}"+tail)
	}
	for i := range backs {
		e := backs[i].entry
		w.replace(e.key.Line-1, w.entryEnd(e.key, e.value))
		remove(annotations, e.key)
	}
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

// removeRuntimeClass takes the runtime class out of a pod, if it is ours.
func (w *rewriter) removeRuntimeClass(p *pod) {
	key, value := written(p.spec, "runtimeClassName")
	if value == nil || value.Value != w.options.RuntimeClass {
		return
	}
	if len(p.spec.Content) == 2 {
		return
	}
	w.replace(key.Line-1, w.entryEnd(key, value))
	remove(p.spec, key)
}
