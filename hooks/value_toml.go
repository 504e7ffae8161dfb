package hooks

import (
	"errors"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// parseTOML reads a TOML document. The library's decoder says whether it is
// valid; its parser, which checks less, knows where things are.
func parseTOML(data []byte) (*value, error) {
	if err := toml.Unmarshal(data, new(map[string]any)); err != nil {
		return nil, tomlError(err)
	}
	r := tomlReader{}
	r.parser.Reset(data)
	root := &value{kind: kindTable}
	table := root // that the keys belong to
	for r.parser.NextExpression() {
		switch e := r.parser.Expression(); e.Kind {
		case unstable.KeyValue:
			r.keyValue(table, e)
		case unstable.Table:
			table = r.field(root, e)
			table.kind = kindTable
		case unstable.ArrayTable:
			list := r.field(root, e)
			list.kind = kindList
			table = &value{path: list.path.item(len(list.items)), kind: kindTable, line: r.line(e.Child())}
			list.items = append(list.items, table)
		}
	}
	return root, nil
}

// tomlError turns a syntax error of the library into ours.
func tomlError(err error) error {
	invalid := &InvalidError{Message: "is not valid TOML: " + quoteMessage(err.Error()), Err: err}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		invalid.ValueLine, _ = decode.Position()
		invalid.Message = "is not valid TOML: " + quoteMessage(strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return invalid
}

// tomlReader makes values of the nodes of a document that is valid.
type tomlReader struct{ parser unstable.Parser }

// field returns the field of v that the key of e names, which it makes if need
// be. On the way to it a list of tables stands for its last one.
func (r *tomlReader) field(v *value, e *unstable.Node) *value {
	for key := e.Key(); key.Next(); {
		if v.kind == kindList {
			v = v.items[len(v.items)-1]
		}
		v.kind = kindTable
		name := string(key.Node().Data)
		f := v.field(name)
		if f == nil {
			f = &value{path: v.path.child(name), line: r.line(key.Node())}
			v.items = append(v.items, f)
		}
		v = f
	}
	return v
}

func (r *tomlReader) keyValue(table *value, e *unstable.Node) { r.read(r.field(table, e), e.Value()) }

// read reads a node into v.
func (r *tomlReader) read(v *value, n *unstable.Node) {
	switch v.text = string(n.Data); n.Kind {
	case unstable.String:
		v.kind = kindString
	case unstable.Bool:
		v.kind = kindBool
	case unstable.Float:
		v.kind = kindFloat
	case unstable.Integer:
		v.kind = kindInt
		if i, err := strconv.ParseInt(strings.ReplaceAll(v.text, "_", ""), 0, 64); err == nil {
			v.text = strconv.FormatInt(i, 10)
		}
	case unstable.Array:
		v.kind = kindList
		for c := n.Children(); c.Next(); {
			item := &value{path: v.path.item(len(v.items)), line: max(r.line(c.Node()), v.line)}
			r.read(item, c.Node())
			v.items = append(v.items, item)
		}
	case unstable.InlineTable:
		v.kind = kindTable
		for c := n.Children(); c.Next(); {
			r.keyValue(v, c.Node())
		}
	default:
		v.kind = kindDate
	}
}

// line returns the line on which a node begins; 0: the parser does not say.
func (r *tomlReader) line(n *unstable.Node) int {
	if n.Raw.Length == 0 {
		return 0
	}
	return r.parser.Shape(n.Raw).Start.Line
}
