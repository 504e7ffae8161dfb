package manifest

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

var errNesting = errors.New("is nested too deeply")

// splitJSON reads a file of JSON values, one after the other; nil: it is not one.
// JSON has a reader of its own because YAML lacks its surrogate pairs, and
// because lists of thousands of pods come as JSON.
func splitJSON(text string) []*document {
	if s := strings.TrimLeft(text, " \t\r\n"); s == "" || s[0] != '{' {
		return nil
	}
	var docs []*document
	r := &jsonReader{Decoder: json.NewDecoder(strings.NewReader(text)), text: text}
	r.UseNumber()
	for line := 1; ; line += r.line - 1 {
		d := &document{text: text[r.at:], line: line, json: true}
		docs, r.line = append(docs, d), 1
		root, err := r.value(0)
		switch {
		case errors.Is(err, errNesting):
			d.err = err
			return docs
		case err != nil:
			return nil
		}
		d.roots = []*yaml.Node{root}
		rest := text[r.at:]
		if strings.Trim(rest, " \t\r\n") == "" {
			return docs
		}
		d.text = strings.TrimSuffix(d.text, rest)
	}
}

// jsonReader reads JSON token by token and counts the lines.
type jsonReader struct {
	*json.Decoder
	text string
	at   int // behind the last token
	line int // of at, in the document
}

// next returns the next token. None of JSON's has a line break in it.
func (r *jsonReader) next() (json.Token, error) {
	token, err := r.Token()
	end := int(r.InputOffset())
	r.line += strings.Count(r.text[r.at:end], "\n")
	r.at = end
	return token, err
}

// value reads a value or the key of an object.
func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	const deepest = 1000
	token, err := r.next()
	switch {
	case err != nil:
		return nil, err
	case depth > deepest:
		return nil, errNesting
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line, Column: 1}
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
		for r.More() {
			item, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, item)
		}
		_, err = r.next()
	}
	return n, err
}
