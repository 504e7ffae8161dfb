package manifest

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// isClass is Kubernetes' rule for the names of runtime classes.
var isClass = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`).MatchString

// IsRuntimeClass tells whether a runtime class can have this name.
func IsRuntimeClass(name string) bool { return len(name) <= 253 && isClass(name) }

// plain is a string as it can stand in YAML: with quotes where a reader, of YAML
// 1.1 too, would take it for something else.
func plain(s string) string {
	root := rootOf(s)
	if root == nil || root.ShortTag() != "!!str" || slices.Contains([]string{"y", "n", "yes", "no", "on", "off"}, s) {
		return `"` + s + `"`
	}
	return s
}

// setRuntimeClass makes the pod run with the runtime class; false: it cannot.
// had tells that the class was there before.
func (w *rewriter) setRuntimeClass(p *pod) (had, ok bool) {
	path := join(p.path, "spec.runtimeClassName")
	class := w.options.RuntimeClass
	specKey, spec, ok := w.block(p.node, "spec", join(p.path, "spec"))
	if !ok {
		return false, false
	}
	key, value, err := own(spec, "runtimeClassName")
	switch {
	case !w.isFine(err, key, path):
		return false, false
	case value == nil:
		w.insert(specKey.Line, spaces(columns(spec))+"runtimeClassName: "+plain(class))
		put(spec, "runtimeClassName", scalar(class))
	case present(value) == nil || value.Kind == yaml.ScalarNode && value.Value == "":
		w.fillRuntimeClass(key, value)
	case value.Value != class:
		w.refuse(key.Line, path, "is %q already, not %q: if bookend is what that class runs, say --runtime-class %s", value.Value, class, value.Value)
		return false, false
	default:
		markers := w.markers(p, containerLists()...)
		return len(markers) == 0 || keepClass(markers), true
	}
	return false, true
}

// fillRuntimeClass writes the runtime class where the field is null or empty,
// which Kubernetes takes for none. What was there becomes a comment.
func (w *rewriter) fillRuntimeClass(key, value *yaml.Node) {
	class := plain(w.options.RuntimeClass)
	if from := w.from(value); value.Line > key.Line || from != "" && !isCommentOrBlank(" "+from) {
		w.replace(value.Line-1, value.Line, w.before(value)+class+" # was "+from)
	} else if raw, tail, ok := w.keyTail(key); ok {
		w.replace(key.Line-1, key.Line, w.before(key)+raw+": "+class+wasEmpty+tail)
	}
	*value = *scalar(w.options.RuntimeClass)
}

// removeRuntimeClass takes the runtime class out of a pod, if it is ours and was
// not there before.
func (w *rewriter) removeRuntimeClass(p *pod) {
	key, value := written(p.spec, "runtimeClassName")
	if value == nil || value.Value != w.options.RuntimeClass || len(p.spec.Content) == 2 ||
		keepClass(w.markers(p, containerLists()...)) {
		return
	}
	before, class := w.before(value), plain(w.options.RuntimeClass)
	tail, ours := strings.CutPrefix(w.from(value), class)
	if closed, was := closedTail(tail); ours && was != nil && closed != tail {
		if was.Value == "" || was.Kind != yaml.ScalarNode {
			before = strings.TrimSuffix(before, " ")
		} else {
			closed = strings.TrimLeft(closed, " ")
		}
		w.replace(value.Line-1, value.Line, before+closed)
		if *value = *was; strings.Trim(was.Value, `"'`) == "" && was.Value != "" {
			*value = *scalar("")
		}
		return
	}
	w.replace(key.Line-1, w.entryEnd(key, value))
	remove(p.spec, key)
}
