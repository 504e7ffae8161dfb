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
		r := reporter{Report: &report, file: file, doc: d, rewriting: rewriting}
		line, err := d.parse()
		for _, root := range d.roots {
			r.document(root, o)
		}
		if err != nil {
			r.add(Error, line, "", "is not valid %s: %v%s", d.format(), err, templateHint(d.text))
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

func (d *document) format() string {
	if d.json {
		return "JSON"
	}
	return "YAML"
}

// document finds out what a document is.
func (r *reporter) document(root *yaml.Node, o Options) {
	switch {
	case present(root) == nil:
	case text(root, "kind") != "" && field(root, "ociVersion") == nil:
		r.object(root, o)
	case r.rewriting:
		r.add(Warning, root.Line, "", "is no Kubernetes object (it has no kind): left as it is")
		r.leftAlone(findPods(root).loose)
	case field(root, "ociVersion") != nil:
		r.spec(root, o)
	case isCompose(root):
		r.compose(root, o)
	case isMapping(field(root, "metadata")) && field(root, "apiVersion") == nil:
		r.cri(root, o)
	case isLifecycle(root):
		r.bare(root, o)
	default:
		r.add(Error, root.Line, "", "is no Kubernetes object (it has no kind), nor a CRI container or pod configuration (metadata), an OCI spec (ociVersion), a Compose file (services) or a Lifecycle object (postStart, preStop)")
		r.leftAlone(findPods(root).loose)
	}
}

// isLifecycle tells whether a mapping is a Lifecycle object: it has a field of
// one, and others only if they look like a misspelt one.
func isLifecycle(n *yaml.Node) bool {
	found := false
	for _, e := range entries(n) {
		switch {
		case slices.Contains(lifecycleFields(), e.key.Value):
			found = true
		case !slices.ContainsFunc(lifecycleFields(), func(name string) bool { return isLike(e.key.Value, name) }):
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

func lifecycleFields() []string {
	return []string{"postStart", "preStop", "stopSignal", "stopSignals", "terminationGracePeriodSeconds"}
}

// object checks a Kubernetes object.
func (r *reporter) object(root *yaml.Node, o Options) {
	r.duplicates(root)
	found := findPods(root)
	for i := range found.pods {
		r.pod(&found.pods[i], o)
	}
	for _, s := range found.strays {
		for _, e := range entries(field(s.metadata, "annotations")) {
			if strings.HasPrefix(e.key.Value, hooks.AnnotationPrefix) || e.key.Value == hooks.AnnotationKey {
				r.add(Warning, e.key.Line, keyPath(join(s.path, "metadata.annotations"), e.key.Value),
					"has no effect here: hooks belong into the annotations of the Pod or the pod template")
			}
		}
	}
	r.leftAlone(found.loose)
}

// leftAlone names each lifecycle that was seen and neither checked nor moved.
func (r *reporter) leftAlone(list []loose) {
	for _, l := range list {
		why := "it is in no Pod and no pod template; the controller of " + l.kind + " decides what becomes of it"
		if l.kind == "" {
			why = "the document is no Kubernetes object; if it is the input of one (values of a chart, a patch), render it first"
		}
		r.add(Warning, l.key.Line, l.path, "is left alone: %s", why)
	}
}

// bare checks a document that is a Lifecycle object itself.
func (r *reporter) bare(root *yaml.Node, o Options) {
	r.Objects++
	v := value{source: hooks.AnnotationKey, text: r.doc.text, root: root, at: root.Line, first: 1}
	l := r.resolve(&v, map[string]string{hooks.AnnotationKey: v.text, ports: assumedPorts(&v)}, o)
	r.limits(&v, l, limits{kubelet: true})
}

// pod checks a pod's annotations, and what its containers' own lifecycle has
// to do with them.
func (r *reporter) pod(p *pod, o Options) {
	r.Objects++
	containers := p.containers()
	var annotated *yaml.Node // the first of our annotations
	own := map[string]*value{}
	for _, e := range mergedEntries(field(p.metadata, "annotations")) {
		path := keyPath(p.annotationsPath(), e.key.Value)
		name, ours := strings.CutPrefix(e.key.Value, hooks.AnnotationPrefix)
		switch {
		case ours:
			if annotated == nil {
				annotated = e.key
			}
			if r.isString(e, path) {
				v := newValue(e, path)
				own[name] = &v
				r.podAnnotation(p, containers, name, &v, o)
			}
		case e.key.Value == hooks.AnnotationKey:
			r.add(Error, e.key.Line, path, "does not apply to a pod: use %s and the name of a container", hooks.AnnotationPrefix)
		case seemsOurs(e.key.Value):
			r.unknown(e, path, forItsContainer)
		}
	}
	if annotated != nil && text(p.spec, "runtimeClassName") == "" {
		r.add(Warning, annotated.Line, join(p.path, "spec.runtimeClassName"),
			"is not set: the hooks run only if bookend is the node's default runtime")
	}
	for _, c := range containers {
		r.plainLifecycle(c, own[c.name])
	}
}

// podAnnotation checks a pod's annotation for the container of that name.
func (r *reporter) podAnnotation(p *pod, containers []container, name string, v *value, o Options) {
	annotations := forContainer(name, v.text)
	annotations[gracePeriod] = graceOf(p)
	c := find(containers, name)
	if c == nil {
		r.add(Warning, v.line(0), v.path, "the pod has no container %q, only %s", name, namesOf(containers))
		annotations[ports] = assumedPorts(v)
	} else {
		annotations[ports] = portsOf(c)
		v.terminal = isTrue(c.node, "tty")
	}
	l := r.resolve(v, annotations, o)
	grace, _ := number(p.spec, "terminationGracePeriodSeconds")
	if field(p.spec, "terminationGracePeriodSeconds") == nil {
		grace = defaultGrace
	}
	r.limits(v, l, limits{kubelet: true, podGrace: &grace, sidecar: c != nil && c.isSidecar()})
}

func namesOf(containers []container) string {
	names := make([]string, len(containers))
	for i, c := range containers {
		names[i] = c.name
	}
	if len(names) == 0 {
		return "none at all"
	}
	return strings.Join(names, ", ")
}

// plainLifecycle warns of what a container's own lifecycle does beside the
// annotation v, which may be nil.
func (r *reporter) plainLifecycle(c container, v *value) {
	lifecycle := field(c.node, "lifecycle")
	for _, point := range []hooks.Point{hooks.PostStart, hooks.PreStop} {
		hook := field(lifecycle, string(point))
		if hook == nil {
			continue
		}
		key, _ := written(lifecycle, string(point))
		if key == nil {
			key = lifecycle
		}
		path := join(join(c.path, "lifecycle"), string(point))
		if v != nil && field(v.root, string(point)) != nil {
			r.add(Warning, key.Line, path, "is in the annotation %s too: the kubelet and bookend would each run one", v.source)
		}
		r.command(hook, path, func(line int) int { return line })
		if field(hook, "tcpSocket") != nil {
			r.add(Warning, key.Line, join(path, "tcpSocket"), "Kubernetes accepts it here but has never carried it out: the hook always fails")
		}
	}
}
