package manifest

import (
	"cmp"
	"regexp"
	"slices"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// A marker is the comment that stands where a lifecycle was. It keeps what
// [Reverse] could not know: how the key was written, and that the pod had the
// runtime class already.
type marker struct {
	key       string // as it was written, quotes included
	blanks    string // behind the colon, where the lifecycle was behind it
	name      string // of the container
	below     bool   // a lifecycle in flow style began on the line below its key
	hadClass  bool
	line      int    // that it is on, from 0
	beforeKey string // blanks and dashes before it on that line
}

// What a marker says of a lifecycle in flow style below its key, and of a runtime
// class that stays.
const (
	wasBelow = "; it was below its key"
	hadClass = "; the runtimeClassName was there before"
)

func (m *marker) String() string {
	s := "# " + m.key + ":" + cmp.Or(m.blanks, " ") + "see the annotation " + hooks.AnnotationPrefix + m.name
	if m.below {
		s += wasBelow
	}
	if m.hadClass {
		s += hadClass
	}
	return s
}

var markerLine = regexp.MustCompile(`^([ -]*)# (["']?lifecycle["']? *):([ \t]+)see the annotation ` + regexp.QuoteMeta(hooks.AnnotationPrefix) + `([-a-z0-9]+)(` + wasBelow + `)?(` + hadClass + `)?[ \t]*$`)

// markers returns those among the lines of lists of containers.
func (w *rewriter) markers(p *pod, lists ...string) []marker {
	var found []marker
	for _, list := range lists {
		key, value := written(p.spec, list)
		if key == nil || value.Kind != yaml.SequenceNode {
			continue
		}
		for i, end := key.Line, w.entryEnd(key, value); i < end; i++ {
			if m := markerLine.FindStringSubmatch(w.lines[i]); m != nil {
				found = append(found, marker{key: m[2], blanks: m[3], name: m[4], below: m[5] != "", hadClass: m[6] != "", line: i, beforeKey: m[1]})
			}
		}
	}
	return found
}

// keepClass tells whether a pod with these markers had the runtime class before.
func keepClass(markers []marker) bool {
	return slices.ContainsFunc(markers, func(m marker) bool { return m.hadClass })
}

// findMarker returns the one for the lifecycle of c, nil where there is none.
func (w *rewriter) findMarker(p *pod, c *container) *marker {
	for _, m := range w.markers(p, c.list) {
		if m.name == c.name && len(m.beforeKey) == columns(c.node) {
			return &m
		}
	}
	return nil
}
