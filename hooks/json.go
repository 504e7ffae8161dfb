package hooks

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// JSONReader reads JSON values, one after the other, as the nodes of YAML, each
// with its line. The reader of YAML does not do for JSON: it lacks JSON's
// surrogate pairs.
type JSONReader struct {
	decoder   *json.Decoder
	text      string
	maxDepth  int
	at        int // behind the latest token
	line      int // of at
	firstLine int // of the value that is being read
}

// NewJSONReader returns a reader of text, whose values may nest maxDepth levels
// deep.
func NewJSONReader(text string, maxDepth int) *JSONReader {
	r := &JSONReader{decoder: json.NewDecoder(strings.NewReader(text)), text: text, maxDepth: maxDepth, line: 1}
	r.decoder.UseNumber()
	return r
}

// Next returns the next value. Its lines are counted from [JSONReader.Line] as it
// is before the call, which is line 1. An error matches [ErrNotJSON] or
// [ErrNesting], or is [io.EOF] where only white space is left.
func (r *JSONReader) Next() (*yaml.Node, error) {
	r.firstLine = r.line
	if strings.TrimLeft(r.text[r.at:], " \t\r\n") == "" {
		return nil, io.EOF
	}
	n, err := r.value(0)
	if err != nil && !errors.Is(err, ErrNesting) {
		return nil, ErrNotJSON
	}
	return n, err
}

// Offset returns where in the text the latest value ends, in bytes.
func (r *JSONReader) Offset() int { return r.at }

// Line returns the line of Offset, from 1.
func (r *JSONReader) Line() int { return r.line }

// token returns the next token. There is no line break in any.
func (r *JSONReader) token() (json.Token, error) {
	token, err := r.decoder.Token()
	end := int(r.decoder.InputOffset())
	r.line += strings.Count(r.text[r.at:end], "\n")
	r.at = end
	return token, err
}

// value reads a value, or the key of an object.
func (r *JSONReader) value(depth int) (*yaml.Node, error) {
	token, err := r.token()
	switch {
	case err != nil:
		return nil, err
	case depth > r.maxDepth:
		return nil, ErrNesting
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line - r.firstLine + 1, Column: 1}
	switch t := token.(type) {
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(t)
	case string:
		n.Tag, n.Value, n.Style = "!!str", t, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!int", t.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case json.Delim:
		n.Kind, n.Tag, n.Style = yaml.SequenceNode, "!!seq", yaml.FlowStyle
		if t == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		return n, r.content(n, depth)
	}
	return n, nil
}

// content reads what is in a list or an object, up to its end.
func (r *JSONReader) content(n *yaml.Node, depth int) error {
	for r.decoder.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, item)
	}
	_, err := r.token()
	return err
}
