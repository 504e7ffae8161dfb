package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"bookend.dev/bookend/cmd/internal/terminal"
	"bookend.dev/bookend/hooks"
)

// Severity says whether a finding keeps hooks from running as written.
type Severity string

// An error is refused by the shim or cannot be converted; a warning is about
// what the shim cannot see, or accepts and the author may not mean; a note says
// what was done.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Finding is one thing that is wrong in a file.
type Finding struct {
	File     string   `json:"file"` // as it was given: String escapes it
	Line     int      `json:"line"` // from 1; 0: it is about the file
	Path     string   `json:"path"` // "spec.template.metadata.annotations[lifecycle.bookend.dev/web].preStop"; empty: the document
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
}

// String is the finding on one line, as compilers print theirs:
//
//	web.yaml:12: metadata.annotations[lifecycle.bookend.dev/web].preStop: must have a handler: exec, httpGet or sleep
//	web.yaml:9: warning: metadata.annotations[lifecycle.bookend.dev/wbe]: the pod has no container "wbe", only web
func (f Finding) String() string {
	s := terminal.Escape(f.File) + ":"
	if f.Line > 0 {
		s += strconv.Itoa(f.Line) + ":"
	}
	if f.Severity == Warning || f.Severity == Note {
		s += " " + string(f.Severity) + ":"
	}
	if f.Path != "" {
		s += " " + f.Path + ":"
	}
	return s + " " + f.Message
}

// Report is what there is to say about one file.
type Report struct {
	Objects  int // Pods, pod templates, CRI configurations, OCI specs and Lifecycle objects
	Findings []Finding
}

// Count returns how many findings have the severity s.
func (r *Report) Count(s Severity) int { return len(r.only(s)) }

// only returns the findings of the severity s.
func (r *Report) only(s Severity) []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Severity != s })
}

// Options are what a node would know beside the file.
type Options struct {
	// Config is the node's configuration; nil: the default one.
	Config *hooks.Config
}

// reporter collects what is found in one document.
type reporter struct {
	*Report
	file   string
	doc    *document
	config *hooks.Config // of the node
	// rewriting: what is no Kubernetes object is not checked, only left alone.
	rewriting bool
}

// add notes a finding. line is a node's, of the document. What stands in the
// file cannot break a line or steer a terminal.
func (r *reporter) add(s Severity, line int, path, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{
		File: r.file, Line: r.doc.fileLine(line), Path: terminal.Escape(path), Severity: s,
		Message: terminal.Escape(fmt.Sprintf(format, args...)),
	})
}

// sort puts the findings into the order of the file.
func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
}
