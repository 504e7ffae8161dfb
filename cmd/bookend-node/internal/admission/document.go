package admission

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// document is the text of an annotation, as fields.
type document struct {
	root   *yaml.Node // a mapping
	asJSON bool
}

// maxNesting is deeper than what [hooks.Resolve] accepts.
const maxNesting = 1000

// readDocument reads a text that [hooks.Resolve] has accepted.
func readDocument(text string) (*document, error) {
	reader := hooks.NewJSONReader(text, maxNesting)
	if root, err := reader.Next(); err == nil {
		if _, err := reader.Next(); errors.Is(err, io.EOF) && root.Kind == yaml.MappingNode {
			return &document{root: root, asJSON: true}, nil
		}
	}
	var top yaml.Node
	if err := yaml.Unmarshal([]byte(text), &top); err != nil {
		return nil, fmt.Errorf("as YAML: %w", err)
	}
	if len(top.Content) != 1 || top.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("must be a mapping")
	}
	return &document{root: top.Content[0]}, nil
}

// field returns a field's value; nil: it is not written. A document may be nil.
func (d *document) field(name string) *yaml.Node {
	if d == nil {
		return nil
	}
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		if d.root.Content[i].Value == name {
			return d.root.Content[i+1]
		}
	}
	return nil
}

// isNull tells whether a value is written as null.
func isNull(n *yaml.Node) bool { return n.ShortTag() == "!!null" }

// field is one of a lifecycle, with its value in JSON.
type field struct {
	name  string
	value json.RawMessage
}

// fieldsOf returns the fields of a lifecycle that are not null, in a fixed order.
func fieldsOf(raw json.RawMessage) ([]field, error) {
	var all map[string]json.RawMessage
	if len(raw) == 0 {
		return nil, nil
	}
	if err := read(raw, &all); err != nil {
		return nil, err
	}
	var list []field
	for name, value := range all {
		if !bytes.Equal(value, []byte("null")) {
			list = append(list, field{name, value})
		}
	}
	slices.SortFunc(list, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// text is the field in a JSON object.
func (f field) text() string {
	name, _ := json.Marshal(f.name) // a string always can be
	return string(name) + ":" + readable(string(f.value))
}

// readable is a JSON text in which <, > and & are written as such. The API server
// escapes them for the sake of HTML; commands are full of them.
func readable(text string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '\\')
		if i < 0 || i+1 == len(text) {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		text = text[i:]
		end := 2 // of the escape
		if c, ok := map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"}[text[:min(6, len(text))]]; ok {
			b.WriteString(c)
			end = 6
		} else {
			b.WriteString(text[:end])
		}
		text = text[end:]
	}
}

// add returns the text of an annotation with further fields. What was there stays
// as it is in JSON, and in YAML but for its layout.
func (o *own) add(fields []field) (string, error) {
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.text()
	}
	added := strings.Join(texts, ",")
	switch {
	case o.document == nil:
		return "{" + added + "}", nil
	case o.document.asJSON:
		before := strings.TrimRight(strings.TrimSuffix(strings.TrimRight(o.text, " \t\r\n"), "}"), " \t\r\n")
		if len(o.document.root.Content) > 0 {
			before += ","
		}
		return before + added + "}", nil
	}
	more, err := hooks.NewJSONReader("{"+added+"}", maxNesting).Next()
	if err != nil {
		return "", err
	}
	root := *o.document.root
	root.Content = slices.Concat(root.Content, more.Content)
	text, err := yaml.Marshal(&root)
	return string(text), err
}
