package manifest

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// RewriteOptions are those of [Convert] and [Reverse].
type RewriteOptions struct {
	Options
	RuntimeClass string // set in the pods, and removed by Reverse
}

// Convert moves the lifecycle of each container in a manifest to an annotation
// of its pod. The lines of the lifecycle become those of a block scalar,
// comments included; a comment that names the annotation takes its place.
// Documents without a lifecycle stay as they are. Flow style that is in the way
// is reprinted in block style, which a finding says.
//
// Where there is an error among the findings, nothing is converted and the
// result is nil: the manifest is invalid, or what it asks for has no equal, or
// it is written in a way that is not understood. Such findings are about data.
// All others are about the result: what [Validate] warns of, what was left
// alone, and what was reprinted.
func Convert(file string, data []byte, o RewriteOptions) ([]byte, []Finding) {
	return rewrite(file, data, o, direction{convertTargets, (*rewriter).convert})
}

// Reverse moves annotations back, to where the comment of Convert is or else to
// the end of their container. What Kubernetes does not know is an error, and
// otherwise it is as with Convert.
func Reverse(file string, data []byte, o RewriteOptions) ([]byte, []Finding) {
	return rewrite(file, data, o, direction{reverseTargets, (*rewriter).reverse})
}

// direction is which way to rewrite.
type direction struct {
	targets func(*pod, map[*yaml.Node]bool) // adds the nodes in whose lines change works
	change  func(*rewriter, *pod)
}

// rewriter changes one document: its lines, and beside them its nodes, to know
// what the lines must come out as.
type rewriter struct {
	reporter
	*editor
	options RewriteOptions
	root    *yaml.Node
	// oddBreaks: what is a line to the nodes is none to the editor.
	oddBreaks bool
	at        int // a line of what is changed; 0: nothing is
}

func rewrite(file string, data []byte, o RewriteOptions, way direction) ([]byte, []Finding) {
	report := validate(file, data, o.Options, true)
	var b strings.Builder
	if report.Count(Error) == 0 {
		report.Findings = nil
		for _, d := range split(string(data)) {
			b.WriteString(rewriteDocument(reporter{Report: &report, file: file, doc: d, rewriting: true, config: o.Config}, o, way))
		}
		report.sort()
	}
	if report.Count(Error) > 0 {
		return nil, report.only(Error)
	}
	result := []byte(b.String())
	after := validate(file, result, o.Options, true)
	if after.Count(Error) > 0 {
		return nil, after.only(Error)
	}
	return result, slices.Concat(report.Findings, after.Findings)
}

// byteOrderMark begins some files; to the nodes it is not there.
const byteOrderMark = "\ufeff"

// rewriteDocument returns a document's text, changed or not.
func rewriteDocument(r reporter, o RewriteOptions, way direction) string {
	d := r.doc
	// Errors of the parser are among those of Validate.
	if _, err := d.parse(); err != nil || len(d.roots) == 0 {
		return d.text
	}
	body := strings.TrimPrefix(d.text, byteOrderMark)
	w := &rewriter{reporter: r, editor: newEditor(body), options: o, root: d.roots[0]}
	if text(w.root, "kind") == "" {
		return d.text
	}
	w.oddBreaks = len(d.roots) > 1 || strings.ContainsAny(strings.ReplaceAll(d.text, "\r\n", ""), oddBreaks)
	before := r.Count(Error)
	pods, targets := findPods(w.root).pods, map[*yaml.Node]bool{}
	for _, p := range pods {
		way.targets(p, targets)
	}
	if !w.oddBreaks && !d.json && len(targets) > 0 && w.unflow(targets) {
		pods = findPods(w.root).pods
	}
	for _, p := range pods {
		way.change(w, p)
	}
	if w.at == 0 || r.Count(Error) > before {
		return d.text
	}
	result := w.text()
	if !means(result, w.root) {
		w.refuse(w.at, "", "cannot be rewritten safely: write the pod in plain block style")
	}
	return strings.TrimSuffix(d.text, body) + result
}

// refuse notes why the document cannot be rewritten.
func (w *rewriter) refuse(line int, path, format string, args ...any) {
	w.add(Error, line, path, format, args...)
}

// canEdit tells whether nodes of the document say where their lines are, and
// notes a finding if not.
func (w *rewriter) canEdit(at *yaml.Node, path string) bool {
	switch {
	case w.doc.json:
		w.refuse(at.Line, path, "cannot be rewritten in JSON: write the manifest in YAML")
	case w.oddBreaks:
		w.refuse(at.Line, path, "cannot be rewritten in a document with line breaks other than those of Unix or Windows")
	default:
		return true
	}
	return false
}

// own returns the field of a mapping if it is written there and nowhere else,
// nil if there is none.
func own(n *yaml.Node, name string) (key, value *yaml.Node, err error) {
	key, value = written(n, name)
	switch {
	case key == nil && field(n, name) != nil, value != nil && value.Kind == yaml.AliasNode:
		return key, value, errMerged
	case value != nil && (value.Anchor != "" || value.Style&yaml.TaggedStyle != 0):
		return key, value, errAnchor
	}
	return key, value, nil
}

// block is like own for a field that must be there and be a mapping or list in
// block style; false, with a finding: it cannot be changed.
func (w *rewriter) block(n *yaml.Node, name, path string) (key, value *yaml.Node, ok bool) {
	key, value, err := own(n, name)
	if err == nil && value.Style&yaml.FlowStyle != 0 {
		err = errFlow
	}
	return key, value, w.isFine(err, key, path)
}

// isFine tells whether there is no error with the field of that key, and notes a
// finding if there is.
func (w *rewriter) isFine(err error, key *yaml.Node, path string) bool {
	if err == nil {
		return true
	}
	line := w.at
	if key != nil {
		line = key.Line
	}
	w.refuse(line, path, "%v", err)
	return false
}

// isName tells what may stand in an annotation's key without quotes.
var isName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`).MatchString
