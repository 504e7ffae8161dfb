package manifest

import (
	"slices"
	"strings"
	"unicode/utf8"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// Validate checks the file data, which findings call file. It may hold several
// documents. Kubernetes objects without containers, and empty documents, are
// passed over.
func Validate(file string, data []byte, o Options) Report {
	return validate(file, data, o, false)
}

// validate is Validate; where a file is to be rewritten, all that is no
// Kubernetes object is passed over with a warning.
func validate(file string, data []byte, o Options, rewriting bool) Report {
	var report Report
	if !utf8.Valid(data) {
		report.Findings = []Finding{{File: file, Line: 1, Severity: Error, Message: "must be valid UTF-8"}}
		return report
	}
	for _, d := range split(string(data)) {
		r := reporter{Report: &report, file: file, doc: d, rewriting: rewriting, config: o.Config}
		line, err := d.parse()
		for _, root := range d.roots {
			r.document(root)
		}
		if err != nil {
			r.add(Error, line, "", "%v%s", err, templateHint(d.text))
		}
	}
	report.sort()
	return report
}

// templateHint says what to do with the template of a manifest.
func templateHint(text string) string {
	if strings.Contains(text, "{{") {
		return "; it looks like a template: render it first"
	}
	return ""
}

// document finds out what a document is.
func (r *reporter) document(root *yaml.Node) {
	switch {
	case present(root) == nil:
	case text(root, "kind") != "" && field(root, "ociVersion") == nil:
		r.object(root)
	case r.rewriting:
		r.add(Warning, root.Line, "", "is no Kubernetes object (it has no kind): left as it is")
		r.leftAlone(findPods(root).outside)
	case field(root, "ociVersion") != nil:
		r.spec(root)
	case isCompose(root):
		r.compose(root)
	case isMapping(field(root, "metadata")) && field(root, "apiVersion") == nil:
		r.cri(root)
	case isLifecycle(root):
		r.bare(root)
	default:
		r.add(Error, root.Line, "", "is no Kubernetes object (it has no kind), nor a CRI container or pod configuration (metadata), an OCI spec (ociVersion), a Compose file (services) or a Lifecycle object (postStart, preStop)")
		r.leftAlone(findPods(root).outside)
	}
}

// isLifecycle tells whether a mapping is a Lifecycle object: it has a field of
// one, and others only if they look like a misspelt one.
func isLifecycle(n *yaml.Node) bool {
	found := false
	for _, e := range entries(n) {
		switch {
		case slices.Contains(hooks.LifecycleFields(), e.key.Value):
			found = true
		case !slices.ContainsFunc(hooks.LifecycleFields(), func(name string) bool { return isLike(e.key.Value, name) }):
			return false
		}
	}
	return found
}

// isLike tells whether a name begins as another does, in any case.
func isLike(a, b string) bool {
	const first = 5
	return len(a) >= first && strings.EqualFold(a[:first], b[:first])
}

// object checks a Kubernetes object.
func (r *reporter) object(root *yaml.Node) {
	r.duplicates(root)
	found := findPods(root)
	for _, p := range found.pods {
		r.pod(p)
	}
	for _, s := range found.metadata {
		for _, e := range entries(field(s.node, "annotations")) {
			if strings.HasPrefix(e.key.Value, hooks.AnnotationPrefix) || e.key.Value == hooks.AnnotationKey {
				r.add(Warning, e.key.Line, keyPath(join(s.path, "annotations"), e.key.Value),
					"has no effect here: hooks belong in the annotations of the Pod or the pod template")
			}
		}
	}
	r.leftAlone(found.outside)
}

// leftAlone names each lifecycle that was seen and neither checked nor moved.
func (r *reporter) leftAlone(list []outside) {
	for _, l := range list {
		r.add(Warning, l.node.Line, l.path, "is left alone: %s", l.why)
	}
}

// bare checks a document that is a Lifecycle object itself.
func (r *reporter) bare(root *yaml.Node) {
	r.Objects++
	v := &value{source: hooks.AnnotationKey, text: r.doc.text, root: root, at: root.Line, first: 1}
	r.check(v, v.alone(), limits{kubelet: true})
}
