package manifest

import (
	"encoding/json"
	"errors"
	"strings"

	"go.yaml.in/yaml/v4"
)

var (
	errNesting = errors.New("is nested too deeply")
	errJSON    = errors.New("is not JSON")
)

// splitJSON reads a file of JSON values, one after the other; nil: it is not one.
// JSON has a reader of its own because YAML lacks its surrogate pairs, and
// because lists of thousands of pods come as JSON: it makes the nodes in one pass,
// many at a time, of strings that are parts of the text.
func splitJSON(text string) []*document {
	if s := strings.TrimLeft(text, " \t\r\n"); s == "" || s[0] != '{' {
		return nil
	}
	var docs []*document
	r := &jsonReader{text: text, line: 1}
	for from, line := 0, 1; ; {
		r.firstLine = line
		root, err := r.value(0)
		if err != nil && !errors.Is(err, errNesting) {
			return nil
		}
		if err != nil {
			return append(docs, &document{text: text[from:], line: line, json: true, err: err})
		}
		end := r.at
		docs = append(docs, &document{text: text[from:end], line: line, json: true, roots: []*yaml.Node{root}})
		from, line = end, r.line
		if r.skip(); r.at == len(text) {
			docs[len(docs)-1].text += text[from:]
			return docs
		}
	}
}

// jsonReader reads JSON strictly and counts the lines.
type jsonReader struct {
	text      string
	at        int
	line      int // of at, in the file
	firstLine int // of the document
	nodes     []yaml.Node
	pending   []*yaml.Node // of the collections that are being read
	lists     []*yaml.Node
}

// node makes one; a collection's come from one piece of memory.
func (r *jsonReader) node(kind yaml.Kind, tag, value string, style yaml.Style) *yaml.Node {
	const together = 512
	if len(r.nodes) == 0 {
		r.nodes = make([]yaml.Node, together)
	}
	n := &r.nodes[0]
	r.nodes = r.nodes[1:]
	n.Kind, n.Tag, n.Value, n.Style, n.Line, n.Column = kind, tag, value, style, r.line-r.firstLine+1, 1
	return n
}

// skip passes over white space.
func (r *jsonReader) skip() {
	for ; r.at < len(r.text); r.at++ {
		switch r.text[r.at] {
		case ' ', '\t', '\r':
		case '\n':
			r.line++
		default:
			return
		}
	}
}

func (r *jsonReader) peek() byte {
	r.skip()
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	if depth > 1000 {
		return nil, errNesting
	}
	switch c := r.peek(); c {
	case '{':
		return r.collection(r.node(yaml.MappingNode, "!!map", "", yaml.FlowStyle), '}', depth)
	case '[':
		return r.collection(r.node(yaml.SequenceNode, "!!seq", "", yaml.FlowStyle), ']', depth)
	case '"':
		return r.str()
	case 't':
		return r.literal("true", "!!bool")
	case 'f':
		return r.literal("false", "!!bool")
	case 'n':
		return r.literal("null", "!!null")
	default:
		return r.number()
	}
}

// collection reads into n up to the end of the list or object.
func (r *jsonReader) collection(n *yaml.Node, end byte, depth int) (*yaml.Node, error) {
	r.at++
	first := len(r.pending)
	for r.peek() != end {
		if len(r.pending) > first {
			if r.peek() != ',' {
				return nil, errJSON
			}
			r.at++
		}
		if end == '}' {
			key, err := r.key()
			if err != nil {
				return nil, err
			}
			r.pending = append(r.pending, key)
		}
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		r.pending = append(r.pending, item)
	}
	r.at++
	n.Content = r.list(r.pending[first:])
	r.pending = r.pending[:first]
	return n, nil
}

// list copies nodes to where they stay.
func (r *jsonReader) list(nodes []*yaml.Node) []*yaml.Node {
	const together = 1024
	if len(nodes) > len(r.lists) {
		r.lists = make([]*yaml.Node, max(together, len(nodes)))
	}
	list := r.lists[:len(nodes):len(nodes)]
	r.lists = r.lists[len(nodes):]
	copy(list, nodes)
	return list
}

// key reads an object's key and the colon behind it.
func (r *jsonReader) key() (*yaml.Node, error) {
	if r.peek() != '"' {
		return nil, errJSON
	}
	key, err := r.str()
	if err != nil || r.peek() != ':' {
		return nil, errJSON
	}
	r.at++
	return key, nil
}

// str reads a string, which is part of the text if it has no escapes.
func (r *jsonReader) str() (*yaml.Node, error) {
	escaped := false
	for i := r.at + 1; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			raw := r.text[r.at : i+1]
			r.at = i + 1
			value := raw[1 : len(raw)-1]
			if escaped && json.Unmarshal([]byte(raw), &value) != nil {
				return nil, errJSON
			}
			return r.node(yaml.ScalarNode, "!!str", value, yaml.DoubleQuotedStyle), nil
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, errJSON
		}
	}
	return nil, errJSON
}

func (r *jsonReader) literal(text, tag string) (*yaml.Node, error) {
	if !strings.HasPrefix(r.text[r.at:], text) {
		return nil, errJSON
	}
	r.at += len(text)
	return r.node(yaml.ScalarNode, tag, text, 0), nil
}

func (r *jsonReader) number() (*yaml.Node, error) {
	end := r.at
	for end < len(r.text) && strings.IndexByte("+-.0123456789eE", r.text[end]) >= 0 {
		end++
	}
	value := r.text[r.at:end]
	if !json.Valid([]byte(value)) {
		return nil, errJSON
	}
	r.at = end
	tag := "!!int"
	if strings.ContainsAny(value, ".eE") {
		tag = "!!float"
	}
	return r.node(yaml.ScalarNode, tag, value, 0), nil
}
