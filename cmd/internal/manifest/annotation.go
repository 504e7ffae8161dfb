package manifest

import (
	"errors"
	"strings"

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
	if !errors.As(err, &invalid) || invalid.Source != "annotation "+v.source {
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
