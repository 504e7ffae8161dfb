package hooks

import (
	"maps"
	"slices"
	"strconv"
)

// fromTOML copies what the TOML library decoded into an empty interface.
func fromTOML(decoded any, at *path) *value {
	v := &value{path: at}
	switch d := decoded.(type) {
	case string:
		v.kind, v.text = kindString, d
	case int64:
		v.kind, v.text = kindInt, strconv.FormatInt(d, 10)
	case float64:
		v.kind = kindFloat
	case bool:
		v.kind, v.text = kindBool, strconv.FormatBool(d)
	case []any:
		v.kind = kindList
		for i, item := range d {
			v.items = append(v.items, fromTOML(item, at.item(i)))
		}
	case map[string]any:
		// Sorted, so that the first error is always the same one.
		v.kind = kindTable
		for _, name := range slices.Sorted(maps.Keys(d)) {
			v.items = append(v.items, fromTOML(d[name], at.child(name)))
		}
	default: // the date and time types of TOML
		v.kind = kindDate
	}
	return v
}
