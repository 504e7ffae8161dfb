package manifest

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// Annotations that containerd's CRI plugin and the kubelet add to a container.
const (
	containerType = "io.kubernetes.cri.container-type"
	containerName = "io.kubernetes.cri.container-name"
	gracePeriod   = "io.kubernetes.pod.terminationGracePeriod"
	ports         = "io.kubernetes.container.ports"
)

// seemsOurs tells whether an annotation's key was meant for bookend, by the look
// of it: it is in our domain, or begins as our keys do and has no slash.
func seemsOurs(key string) bool {
	const own = "bookend.dev"
	domain, _, slash := strings.Cut(strings.ToLower(key), "/")
	return domain == own || strings.HasSuffix(domain, "."+own) ||
		!slash && strings.HasPrefix(domain, strings.TrimSuffix(hooks.AnnotationPrefix, "/"))
}

// unknown notes a key that nobody reads. use is the right one.
func (r *reporter) unknown(e entry, path, use string) {
	r.add(Warning, e.key.Line, path, "is unknown and has no effect: use %s", use)
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

// newValue is the Lifecycle object that an annotation carries.
func (r *reporter) newValue(e entry, path string) value {
	node := follow(e.value)
	v := value{path: path, source: e.key.Value, text: node.Value, root: r.memo.root(node.Value), at: e.key.Line}
	if node.Style&yaml.LiteralStyle != 0 {
		v.first = node.Line + 1
	}
	return v
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

// portNames are the names that the value has for ports.
func (v *value) portNames() []string {
	var names []string
	for _, point := range []hooks.Point{hooks.PostStart, hooks.PreStop} {
		port := field(field(field(v.root, string(point)), "httpGet"), "port")
		if port != nil && port.ShortTag() == "!!str" {
			names = append(names, port.Value)
		}
	}
	return names
}

// resolve asks the shim's own code what a container with these annotations
// gets. What it refuses becomes a finding, and the result nil.
func (r *reporter) resolve(v *value, annotations map[string]string, o Options) *hooks.Lifecycle {
	l, err := r.memo.resolve(annotations, o.Config)
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

// isString tells whether an annotation is the string that it must be, and
// notes a finding if not.
func (r *reporter) isString(e entry, path string) bool {
	switch v := follow(e.value); {
	case v.Kind == yaml.MappingNode:
		r.add(Error, e.key.Line, path, `must be a string, got a mapping: write "|" after the key`)
	case v.Kind != yaml.ScalarNode || v.ShortTag() != "!!str":
		r.add(Error, e.key.Line, path, "must be a string")
	default:
		return true
	}
	return false
}

// forContainer returns what containerd and the kubelet add for a container of
// a pod, and its own annotation.
func forContainer(name, value string) map[string]string {
	return map[string]string{
		containerType: "container", containerName: name,
		hooks.AnnotationPrefix + name: value,
	}
}

// portsOf is the kubelet's record of a container's ports.
func portsOf(c *container) string {
	type port struct {
		Name          string `json:"name"`
		ContainerPort int64  `json:"containerPort"`
	}
	list := []port{}
	for _, p := range items(field(c.node, "ports")) {
		n, _ := number(p, "containerPort")
		list = append(list, port{text(p, "name"), n})
	}
	data, err := json.Marshal(list)
	if err != nil {
		return ""
	}
	return string(data)
}

// assumedPorts is a record in which every port that the value names exists: for
// where the container's own cannot be seen.
func assumedPorts(v *value) string {
	var list []string
	for _, name := range v.portNames() {
		if quoted, err := json.Marshal(name); err == nil {
			list = append(list, `{"name":`+string(quoted)+`,"containerPort":1}`)
		}
	}
	return "[" + strings.Join(list, ",") + "]"
}

// defaultGrace is the API server's terminationGracePeriodSeconds.
const defaultGrace = 30

// graceOf returns the pod's terminationGracePeriodSeconds as the kubelet
// records it.
func graceOf(p *pod) string {
	if n, ok := number(p.spec, "terminationGracePeriodSeconds"); ok {
		return strconv.FormatInt(n, 10)
	}
	return strconv.Itoa(defaultGrace)
}
