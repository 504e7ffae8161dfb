package hooks

import (
	"reflect"
	"strconv"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// checkTOML holds the tree of a document against what the library decodes.
func checkTOML(t *testing.T, data []byte) {
	t.Helper()
	var want map[string]any
	if toml.Unmarshal(data, &want) != nil {
		return
	}
	root, err := parseTOML(data)
	if err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	if got, want := decodedTOML(root), plainTOML(want); !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: got %v, want %v", data, got, want)
	}
}

// decodedTOML is what [plainTOML] makes of the same value as the library has it.
func decodedTOML(v *value) any {
	switch v.kind {
	case kindTable:
		m := map[string]any{}
		for _, f := range v.items {
			m[f.path.name] = decodedTOML(f)
		}
		return m
	case kindList:
		list := []any{}
		for _, item := range v.items {
			list = append(list, decodedTOML(item))
		}
		return list
	case kindString, kindInt, kindBool:
		return v.text
	}
	return v.kind
}

// plainTOML renders scalars as text, and those whose text nothing reads as their
// kind.
func plainTOML(decoded any) any {
	switch d := decoded.(type) {
	case map[string]any:
		m := map[string]any{}
		for name, f := range d {
			m[name] = plainTOML(f)
		}
		return m
	case []any:
		list := []any{}
		for _, item := range d {
			list = append(list, plainTOML(item))
		}
		return list
	case string:
		return d
	case int64:
		return strconv.FormatInt(d, 10)
	case bool:
		return strconv.FormatBool(d)
	case float64:
		return kindFloat
	}
	return kindDate
}

func TestParseTOML(t *testing.T) {
	for _, text := range []string{
		"", "a = 1\nb.c.d = 'x'\nb.e = 1.5\n", "\"a b\".'c.d' = \"\\u00e9\\n\"\n",
		"a = [1, 0x10, 0o17, 0b11, 1_000, -5, +5]\nb = [true, false, inf, 1979-05-27, 07:32:00]\n",
		"[a]\n[a.b]\nc = 1\n[a.d]\n[e.f.g]\n[e]\nh = 2\n",
		"[[a]]\nb = 1\n[a.c]\nd = 2\n[[a]]\n[[a.e]]\n[[a.e]]\nf = 3\n[a.e.g]\nh = 4\n",
		"a = {b = {c = 1}, d.e = [{f = 1}, {g = [[], [2]]}]}\n[[h.i]]\n[[h.i]]\nj.k = 1979-05-27T07:32:00Z\n",
		"a = [ # one\n  'x', # two\n  # three\n  '''\ny\nz''',\n]\n",
	} {
		checkTOML(t, []byte(text))
	}
}
