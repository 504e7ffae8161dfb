package manifest

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// wasEmpty is how a comment says that there was nothing behind a key, not even
// a comment.
const wasEmpty = " # was empty"

var (
	emptyTail = regexp.MustCompile(`^([ \t]+)(\{[ \t]*\}|null|Null|NULL|~|""|'')((?:[ \t].*)?)$`)
	wasTail   = regexp.MustCompile(`^([ \t]+)# was (\{[ \t]*\}|null|Null|NULL|~|""|'')((?:[ \t].*)?)$`)
)

// openTail makes room behind a key that has an empty value: what was there
// becomes a comment, so that it can come back; false: it is something else.
func openTail(tail string) (opened string, ok bool) {
	switch m := emptyTail.FindStringSubmatch(tail); {
	case m != nil:
		return m[1] + "# was " + m[2] + m[3], isCommentOrBlank(m[3])
	case isBlank(tail):
		return wasEmpty + tail, true
	}
	return tail, isCommentOrBlank(tail)
}

// closedTail is what stood behind a key before openTail, and the value that it
// had; nil: openTail has left nothing to know it by.
func closedTail(tail string) (closed string, value *yaml.Node) {
	null := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if m := wasTail.FindStringSubmatch(tail); m != nil {
		if m[2][0] == '{' {
			return m[1] + m[2] + m[3], emptyMapping()
		}
		null.Value = m[2]
		return m[1] + m[2] + m[3], null
	}
	if rest, ok := strings.CutPrefix(tail, wasEmpty); ok && isCommentOrBlank(rest) {
		return rest, null
	}
	if !isBlank(tail) && isCommentOrBlank(tail) {
		return tail, null
	}
	return "", nil
}

func emptyMapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }
