package hooks

import (
	"encoding/json"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// JSONReader reads JSON values, one after the other, as the nodes of YAML, each
// with its line. The reader of YAML does not do for JSON: it lacks JSON's
// surrogate pairs, and lists of thousands of pods come as JSON. This one makes
// the nodes in one pass, many at a time, of strings that are parts of the text.
type JSONReader struct {
	text      string
	maxDepth  int
	at        int
	line      int // of at
	firstLine int // of the value that is being read
	nodes     []yaml.Node
	pending   []*yaml.Node // of the collections that are being read
	lists     []*yaml.Node
}

// NewJSONReader returns a reader of text, whose values may nest maxDepth levels
// deep.
func NewJSONReader(text string, maxDepth int) *JSONReader {
	return &JSONReader{text: text, maxDepth: maxDepth, line: 1}
}

// Next returns the next value. Its lines are counted from [JSONReader.Line] as it
// is before the call, which is line 1. An error is [ErrNotJSON], [ErrNesting], or
// [io.EOF] where only white space is left.
func (r *JSONReader) Next() (*yaml.Node, error) {
	r.firstLine = r.line
	if r.skip(); r.at == len(r.text) {
		return nil, io.EOF
	}
	return r.value(0)
}

// Offset returns where in the text the latest value ends, in bytes.
func (r *JSONReader) Offset() int { return r.at }

// Line returns the line of Offset, from 1.
func (r *JSONReader) Line() int { return r.line }

// node makes one; many come from one piece of memory.
func (r *JSONReader) node(kind yaml.Kind, tag, value string, style yaml.Style) *yaml.Node {
	if len(r.nodes) == 0 {
		const together, perNode = 512, 8 // bytes of text, at least about
		r.nodes = make([]yaml.Node, min(together, 1+(len(r.text)-r.at)/perNode))
	}
	n := &r.nodes[0]
	r.nodes = r.nodes[1:]
	n.Kind, n.Tag, n.Value, n.Style, n.Line, n.Column = kind, tag, value, style, r.line-r.firstLine+1, 1
	return n
}

// skip passes over white space.
func (r *JSONReader) skip() {
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

func (r *JSONReader) peek() byte {
	r.skip()
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *JSONReader) value(depth int) (*yaml.Node, error) {
	if depth > r.maxDepth {
		return nil, ErrNesting
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
func (r *JSONReader) collection(n *yaml.Node, end byte, depth int) (*yaml.Node, error) {
	r.at++
	first := len(r.pending)
	for r.peek() != end {
		if len(r.pending) > first {
			if r.peek() != ',' {
				return nil, ErrNotJSON
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
func (r *JSONReader) list(nodes []*yaml.Node) []*yaml.Node {
	if len(nodes) > len(r.lists) {
		const together = 1024
		r.lists = make([]*yaml.Node, max(min(together, len(r.text)-r.at), len(nodes)))
	}
	list := r.lists[:len(nodes):len(nodes)]
	r.lists = r.lists[len(nodes):]
	copy(list, nodes)
	return list
}

// key reads an object's key and the colon behind it.
func (r *JSONReader) key() (*yaml.Node, error) {
	if r.peek() != '"' {
		return nil, ErrNotJSON
	}
	key, err := r.str()
	if err != nil || r.peek() != ':' {
		return nil, ErrNotJSON
	}
	r.at++
	return key, nil
}

// str reads a string, which is part of the text if it has no escapes.
func (r *JSONReader) str() (*yaml.Node, error) {
	escaped := false
	for i := r.at + 1; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			raw := r.text[r.at : i+1]
			r.at = i + 1
			value := raw[1 : len(raw)-1]
			if escaped && json.Unmarshal([]byte(raw), &value) != nil {
				return nil, ErrNotJSON
			}
			return r.node(yaml.ScalarNode, "!!str", value, yaml.DoubleQuotedStyle), nil
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, ErrNotJSON
		}
	}
	return nil, ErrNotJSON
}

func (r *JSONReader) literal(text, tag string) (*yaml.Node, error) {
	if !strings.HasPrefix(r.text[r.at:], text) {
		return nil, ErrNotJSON
	}
	r.at += len(text)
	return r.node(yaml.ScalarNode, tag, text, 0), nil
}

func (r *JSONReader) number() (*yaml.Node, error) {
	end := r.at
	for end < len(r.text) && strings.IndexByte("+-.0123456789eE", r.text[end]) >= 0 {
		end++
	}
	value := r.text[r.at:end]
	if !json.Valid([]byte(value)) {
		return nil, ErrNotJSON
	}
	r.at = end
	tag := "!!int"
	if strings.ContainsAny(value, ".eE") {
		tag = "!!float"
	}
	return r.node(yaml.ScalarNode, tag, value, 0), nil
}
