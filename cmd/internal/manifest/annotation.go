package manifest

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// seemsOurs tells whether an annotation's key was meant for bookend, by the look
// of it: it is in our domain, or begins as our keys do and has no slash.
func seemsOurs(key string) bool {
	const own = "bookend.dev"
	domain, _, slash := strings.Cut(strings.ToLower(key), "/")
	return domain == own || strings.HasSuffix(domain, "."+own) ||
		!slash && strings.HasPrefix(domain, strings.TrimSuffix(hooks.AnnotationPrefix, "/"))
}

// annotations calls read for each annotation of ours among list, with the name
// of a container that its key has, and warns of those whose key only looks like
// ours. use is how to write such a key.
func (r *reporter) annotations(list []entry, path, use string, read func(e entry, path, name string)) {
	for _, e := range list {
		at := keyPath(path, e.key.Value)
		name, ours := strings.CutPrefix(e.key.Value, hooks.AnnotationPrefix)
		switch {
		case ours, e.key.Value == hooks.AnnotationKey:
			read(e, at, name)
		case seemsOurs(e.key.Value):
			r.add(Warning, e.key.Line, at, "is unknown and has no effect: use %s", use)
		}
	}
}

// forItsContainer says which key is right in a pod.
const forItsContainer = hooks.AnnotationPrefix + " and the name of a container"

// value is a Lifecycle object in a document.
type value struct {
	path   string
	source string // the annotation that it is or would be
	text   string
	root   *yaml.Node // of text; nil: it cannot be read as YAML
	at     int        // the document's line of the value as a whole
	first  int        // the document's line of the value's first; 0: its lines are not lines of the document
	// terminal tells that its container has one.
	terminal bool
}

// value is the Lifecycle object that an annotation carries; nil, with a finding:
// the annotation is not the string that it must be.
func (r *reporter) value(e entry, path string) *value {
	node := follow(e.value)
	switch {
	case node.Kind == yaml.MappingNode:
		r.add(Error, e.key.Line, path, `must be a string, got a mapping: write "|" after the key`)
		return nil
	case node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str":
		r.add(Error, e.key.Line, path, "must be a string")
		return nil
	}
	v := &value{path: path, source: e.key.Value, text: node.Value, root: valueRoot(node.Value), at: e.key.Line}
	if node.Style&yaml.LiteralStyle != 0 {
		v.first = node.Line + 1
	}
	return v
}

// valueRoot reads an annotation's text; nil: it is not one document.
func valueRoot(text string) *yaml.Node {
	if docs := splitJSON(text); len(docs) == 1 && docs[0].err == nil {
		return docs[0].roots[0]
	}
	return rootOf(text)
}

// rootOf reads a single YAML document; nil: it is none.
func rootOf(text string) *yaml.Node {
	if roots, _, err := readYAML(text); err == nil && len(roots) == 1 {
		return roots[0]
	}
	return nil
}

// line returns the document's line for one of the value. Only in a literal
// block scalar do lines stay lines; all else is found where the value begins.
func (v *value) line(inner int) int {
	if inner > 0 && v.first > 0 {
		return v.first + inner - 1
	}
	return v.at
}

// lineOf returns the document's line of the field at names, or of the nearest
// one around it.
func (v *value) lineOf(names ...string) int {
	inner, n := 0, v.root
	for _, name := range names {
		key, next := written(n, name)
		if key == nil {
			break
		}
		inner, n = key.Line, next
	}
	return v.line(inner)
}

// resolve asks the shim's own code what a container with these annotations
// gets. What it refuses becomes a finding, and the result nil.
func (r *reporter) resolve(v *value, annotations map[string]string) *hooks.Lifecycle {
	l, err := hooks.Resolve(annotations, func() (*hooks.Config, error) { return r.config, nil })
	if err == nil && v.terminal {
		err = l.RefuseTerminal(annotations)
	}
	if err == nil {
		return l
	}
	var invalid *hooks.InvalidError
	if !errors.As(err, &invalid) {
		r.add(Error, v.line(0), v.path, "%v", err)
		return nil
	}
	if invalid.Source != "annotation "+v.source {
		r.add(Error, v.line(0), v.path, "%v", err)
		return nil
	}
	message := invalid.Message
	var syntax *yaml.LoadError
	if errors.As(err, &syntax) {
		// The place that the message names is one in the value.
		message = "is not valid YAML: " + syntax.Message
	}
	r.add(Error, v.line(invalid.ValueLine), join(v.path, invalid.Path), "%s", message)
	return nil
}

// check is resolve, and warns of what the hooks cannot do.
func (r *reporter) check(v *value, annotations map[string]string, by limits) *hooks.Lifecycle {
	l := r.resolve(v, annotations)
	r.limits(v, l, by)
	return l
}

// alone is the annotation of a container that is in no pod.
func (v *value) alone() map[string]string {
	return map[string]string{hooks.AnnotationKey: v.text, hooks.AnnotationPorts: assumedPorts(v)}
}

// forContainer returns what containerd and the kubelet add for a container of
// a pod, and its own annotation.
func forContainer(name, value string) map[string]string {
	return map[string]string{
		hooks.AnnotationContainerType: hooks.ContainerTypeContainer, hooks.AnnotationContainerName: name,
		hooks.AnnotationPrefix + name: value,
	}
}

// port is one of a container in the kubelet's record of them.
type port struct {
	Name          string `json:"name"`
	ContainerPort int64  `json:"containerPort"`
}

// portsOf is the kubelet's record of a container's ports.
func portsOf(c *container) string {
	list := []port{}
	for _, p := range items(field(c.node, "ports")) {
		n, _ := number(p, "containerPort")
		list = append(list, port{text(p, "name"), n})
	}
	return record(list)
}

// assumedPorts is a record in which every port that the value names exists: for
// where the container's own cannot be seen.
func assumedPorts(v *value) string {
	list := []port{}
	for _, point := range []hooks.Point{hooks.PostStart, hooks.PreStop} {
		named := field(field(field(v.root, string(point)), hooks.HandlerHTTPGet), "port")
		if named != nil && named.ShortTag() == "!!str" {
			list = append(list, port{named.Value, 1})
		}
	}
	return record(list)
}

func record(list []port) string {
	data, err := json.Marshal(list)
	if err != nil {
		return ""
	}
	return string(data)
}

// defaultGrace is the API server's terminationGracePeriodSeconds.
const defaultGrace = int64(hooks.DefaultGracePeriod / time.Second)

// graceOf returns the pod's terminationGracePeriodSeconds as the kubelet
// records it.
func graceOf(p *pod) string {
	n, ok := number(p.spec, hooks.FieldGracePeriod)
	if !ok {
		n = defaultGrace
	}
	return strconv.FormatInt(n, 10)
}
