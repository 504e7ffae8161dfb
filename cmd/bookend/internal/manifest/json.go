package manifest

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

var errNesting = errors.New("is nested too deeply")

// splitJSON cuts a file of JSON values, one after the other; nil: it is not
// one. JSON has a reader of its own because YAML lacks its surrogate pairs.
func splitJSON(text string) []*document {
	if s := strings.TrimLeft(text, " \t\r\n"); s == "" || s[0] != '{' {
		return nil
	}
	var docs []*document
	dec := json.NewDecoder(strings.NewReader(text))
	from, line := 0, 1
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil
		}
		end := int(dec.InputOffset())
		docs = append(docs, &document{text: text[from:end], line: line, json: true})
		line += strings.Count(text[from:end], "\n")
		from = end
	}
	docs[len(docs)-1].text += text[from:]
	return docs
}

// readJSON reads one JSON value as the nodes that YAML would have for it.
func readJSON(text string) (*yaml.Node, error) {
	r := &jsonReader{Decoder: json.NewDecoder(strings.NewReader(text)), text: text, line: 1}
	r.UseNumber()
	return r.node(0)
}

// jsonReader reads JSON token by token and counts the lines.
type jsonReader struct {
	*json.Decoder
	text   string
	offset int64 // up to where lines are counted
	line   int
}

func (r *jsonReader) node(depth int) (*yaml.Node, error) {
	if depth > 1000 {
		return nil, errNesting
	}
	token, err := r.Token()
	if err != nil {
		return nil, err
	}
	end := r.InputOffset()
	r.line += strings.Count(r.text[r.offset:end], "\n")
	r.offset = end
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line, Column: 1}
	switch t := token.(type) {
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case bool:
		n.Tag, n.Value = "!!bool", "false"
		if t {
			n.Value = "true"
		}
	case json.Number:
		n.Tag, n.Value = "!!int", t.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case string:
		n.Tag, n.Value, n.Style = "!!str", t, yaml.DoubleQuotedStyle
	case json.Delim:
		return n, r.content(n, t, depth)
	}
	return n, nil
}

// content reads into n up to the end of the list or object that open began.
func (r *jsonReader) content(n *yaml.Node, open json.Delim, depth int) error {
	n.Kind, n.Tag, n.Style = yaml.SequenceNode, "!!seq", yaml.FlowStyle
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for r.More() {
		item, err := r.node(depth + 1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, item)
	}
	_, err := r.Token()
	return err
}
