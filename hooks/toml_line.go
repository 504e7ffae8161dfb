package hooks

import (
	"errors"
	"fmt"
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
	lines := keyLines(data)
	for at := invalid.Path; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		if line := lines[at]; line > 0 {
			invalid.Message = fmt.Sprintf("%s (line %d)", invalid.Message, line)
			break
		}
	}
	return err
}

// keyLines returns the line of each table and key of a TOML text, by path.
// What is inside inline tables and arrays is left out.
func keyLines(data []byte) map[string]int {
	lines := map[string]int{}
	items := map[string]int{} // how many items each array of tables has yet
	var parser unstable.Parser
	parser.Reset(data)
	var tableAt *path
	for parser.NextExpression() {
		e := parser.Expression()
		at := (*path)(nil)
		switch e.Kind {
		case unstable.KeyValue:
			at = tableAt
		case unstable.Table, unstable.ArrayTable:
		default:
			continue
		}
		line := 0
		for key := e.Key(); key.Next(); {
			at = at.child(string(key.Node().Data))
			if n := items[at.String()]; n > 0 && !key.IsLast() {
				at = at.item(n - 1)
			}
			line = parser.Shape(key.Node().Raw).Start.Line
		}
		if e.Kind == unstable.ArrayTable {
			if items[at.String()]++; lines[at.String()] == 0 {
				lines[at.String()] = line
			}
			at = at.item(items[at.String()] - 1)
		}
		if e.Kind != unstable.KeyValue {
			tableAt = at
		}
		if lines[at.String()] == 0 {
			lines[at.String()] = line
		}
	}
	return lines
}
