package hooks

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxSize is the most an annotation may hold, in bytes.
const maxSize = 64 << 10

// parseDocument reads an annotation: one YAML or JSON document. Text that is
// JSON is read as JSON, which YAML contains but for details that real encoders
// produce (surrogate pairs in escapes).
func parseDocument(text string) (*value, error) {
	root := &value{}
	switch {
	case len(text) > maxSize:
		return nil, root.fail("must be at most %d bytes, got %d", maxSize, len(text))
	case !utf8.ValidString(text):
		return nil, root.fail("must be valid UTF-8")
	case strings.TrimSpace(text) == "":
		return nil, root.fail("must be a Kubernetes Lifecycle object, got an empty value")
	}
	if root := parseJSON(text); root != nil {
		return fromYAML(root, nil, 0)
	}
	return parseYAML(text)
}

// parseJSON reads a document that is JSON; nil: it is not.
func parseJSON(text string) *yaml.Node {
	const readable = 10_000 // levels, as to encoding/json; how many may be there is said with a path
	r := NewJSONReader(text, readable)
	root, err := r.Next()
	if err != nil {
		return nil
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		return nil
	}
	return root
}
