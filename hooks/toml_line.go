package hooks

import (
	"errors"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// withLine adds to an error of the grammar the line of the TOML text on which
// the value at its path is written, or else the nearest one around it.
func withLine(err error, data []byte) error {
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	lines := linesOf(data)
	for at := invalid.Path; at != "" && invalid.Line == 0; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		invalid.Line = lines[at]
	}
	return err
}

// lineIndex finds the line of each table, key and item of a TOML text.
type lineIndex struct {
	parser unstable.Parser
	lines  map[string]int // by path
	items  map[string]int // how many items each array of tables has yet
}

// linesOf returns the lines of a TOML text by path, the first where a path
// comes up more than once.
func linesOf(data []byte) map[string]int {
	x := lineIndex{lines: map[string]int{}, items: map[string]int{}}
	x.parser.Reset(data)
	var tableAt *path
	for x.parser.NextExpression() {
		switch e := x.parser.Expression(); e.Kind {
		case unstable.KeyValue:
			x.keyValue(tableAt, e)
		case unstable.Table:
			at, key := x.follow(nil, e)
			x.note(at, key)
			tableAt = at
		case unstable.ArrayTable:
			at, key := x.follow(nil, e)
			x.note(at, key)
			x.items[at.String()]++
			tableAt = at.item(x.items[at.String()] - 1)
			x.note(tableAt, key)
		}
	}
	return x.lines
}

// follow returns the path that the key of e leads to from at, and its last part.
func (x *lineIndex) follow(at *path, e *unstable.Node) (*path, *unstable.Node) {
	var last *unstable.Node
	for key := e.Key(); key.Next(); {
		last = key.Node()
		at = at.child(string(last.Data))
		if n := x.items[at.String()]; n > 0 && !key.IsLast() {
			at = at.item(n - 1)
		}
	}
	return at, last
}

func (x *lineIndex) note(at *path, n *unstable.Node) {
	if name := at.String(); x.lines[name] == 0 && n.Raw.Length > 0 {
		x.lines[name] = x.parser.Shape(n.Raw).Start.Line
	}
}

func (x *lineIndex) keyValue(at *path, e *unstable.Node) {
	at, key := x.follow(at, e)
	x.note(at, key)
	x.value(at, e.Value())
}

// value notes what is inside an array or an inline table.
func (x *lineIndex) value(at *path, v *unstable.Node) {
	index := 0
	for c := v.Children(); c.Next(); {
		switch n := c.Node(); {
		case n.Kind == unstable.Comment:
		case v.Kind == unstable.InlineTable:
			x.keyValue(at, n)
		case v.Kind == unstable.Array:
			x.note(at.item(index), n)
			x.value(at.item(index), n)
			index++
		}
	}
}
