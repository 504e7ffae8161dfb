package hooks

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestJSONReader holds the reader against encoding/json.
func TestJSONReader(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, ` "a" `, `null`, `true`, `-0`, `1.5e+3`, `{} {"a": 1} 2`, "{\"a\":\r\n\t[]}\n\n", ``, "\n",
		`{"a": [1, -0, 1E5], "b": [true, false, null], "a\"": ""}`, `{"\u0061\n": "\ud83d\ude00 \ud83d \/"}`, `{"<<": "ü"}`,
		`{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{a: 1}`, `{'a': 1}`, `[01]`, `+1`, `1.`, `.5`, `--1`, `tru`, `nulll`,
		`[1,]`, `[1 2]`, `[}`, "\"\t\"", `"\x"`, `"\u12"`, `"`, `"\`, `{}}`, `{} x`, `{},{}`, `{}#`, `{1: 2}`,
	} {
		want, wantErr := decodeAll(text)
		got, err := readAll(text)
		if (err == nil) != (wantErr == nil) || err != nil && !errors.Is(err, ErrNotJSON) {
			t.Errorf("%q: error %v, want %v", text, err, wantErr)
		} else if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func decodeAll(text string) (all []any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	for {
		var v any
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

func readAll(text string) (all []any, err error) {
	r := NewJSONReader(text, 10)
	for {
		n, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, plain(n))
	}
}

// plain is what encoding/json makes of a node.
func plain(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!map":
		m := map[string]any{}
		for kv := range slices.Chunk(n.Content, 2) {
			m[kv[0].Value] = plain(kv[1])
		}
		return m
	case "!!seq":
		list := []any{}
		for _, item := range n.Content {
			list = append(list, plain(item))
		}
		return list
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		return json.Number(n.Value)
	}
	return n.Value
}

func TestJSONReaderPlaces(t *testing.T) {
	text := "\n{\"a\":\n [1,\n  2]}\n\n{\"b\": 3} "
	r := NewJSONReader(text, 2)
	first, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	list := first.Content[1]
	if first.Line != 2 || first.Content[0].Line != 2 || list.Line != 3 || list.Content[0].Line != 3 || list.Content[1].Line != 4 {
		t.Errorf("lines: %d, %d, %d, %d, %d", first.Line, first.Content[0].Line, list.Line, list.Content[0].Line, list.Content[1].Line)
	}
	if text[r.Offset():] != "\n\n{\"b\": 3} " || r.Line() != 4 {
		t.Errorf("the first ends at %d, line %d", r.Offset(), r.Line())
	}
	second, err := r.Next()
	if err != nil || second.Line != 3 {
		t.Errorf("the second: line %d of its text, %v", second.Line, err)
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
	for text, want := range map[string]error{"[[1]]": nil, "[[[1]]]": ErrNesting, `{"a":{"a":{"a":1}}}`: ErrNesting} {
		if _, err := NewJSONReader(text, 2).Next(); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}
