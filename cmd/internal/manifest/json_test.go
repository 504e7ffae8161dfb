package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// jsonSamples are texts of which some are JSON to encoding/json and some not.
func jsonSamples() []string {
	return []string{
		`{}`, `{} {"a": 1}`, "{\"a\":\r\n\t[]}\n\n", `{"a": [1, -0, 1.5e+3, 1E5], "b": [true, false, null], "a": ""}`,
		`{"\u0061\n": "\ud83d\ude00 \ud83d \/"}`, `{"a": "ü` + "\u2028" + `"}`, strings.Repeat(`{"a":`, 900) + "1" + strings.Repeat("}", 900),
		`{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{a: 1}`, `{'a': 1}`, `{"a": 01}`, `{"a": +1}`, `{"a": 1.}`, `{"a": .5}`, `{"a": 1e}`, `{"a": --1}`,
		`{"a": tru}`, `{"a": nulll}`, `{"a": [1,]}`, `{"a": [1 2]}`, `{"a": [}`, "{\"a\": \"\t\"}", "{\"a\": \"\n\"}", `{"a": "\x"}`, `{"a": "\u12"}`, `{"a": "`, `{"a": "\`,
		`{}}`, `{} x`, `{},{}`, `{}#`, `{1: 2}`, `{"a": {}`,
	}
}

// checkJSON holds what is read against what encoding/json reads.
func checkJSON(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		return // Validate has refused it
	}
	var want []any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var err error
	for err == nil {
		var v any
		if err = dec.Decode(&v); err == nil {
			want = append(want, v)
		}
	}
	docs := splitJSON(text)
	if isJSON := errors.Is(err, io.EOF) && strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{"); isJSON != (docs != nil) {
		if docs == nil || docs[len(docs)-1].err == nil {
			t.Fatalf("%q: read %t, want %t (%v)", text, docs != nil, isJSON, err)
		}
		return
	}
	var all bytes.Buffer
	for i, d := range docs {
		all.WriteString(d.text)
		if d.err != nil {
			return
		}
		if got := fromNode(d.roots[0]); !reflect.DeepEqual(got, want[i]) {
			t.Fatalf("%q: got %v, want %v", text, got, want[i])
		}
	}
	if docs != nil && all.String() != text {
		t.Fatalf("%q: the documents are %q", text, all.String())
	}
}

// fromNode is what encoding/json would make of a node.
func fromNode(n *yaml.Node) any {
	switch {
	case n.Kind == yaml.MappingNode:
		m := map[string]any{}
		for _, e := range entries(n) {
			m[e.key.Value] = fromNode(e.value)
		}
		return m
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, fromNode(item))
		}
		return list
	case n.Tag == "!!null":
		return nil
	case n.Tag == "!!bool":
		return n.Value == "true"
	case n.Tag == "!!str":
		return n.Value
	}
	return json.Number(n.Value)
}

func TestJSONIsReadAsEncodingJSONDoes(t *testing.T) {
	for _, text := range jsonSamples() {
		checkJSON(t, text)
	}
}

func FuzzJSON(f *testing.F) {
	for _, text := range jsonSamples() {
		f.Add(text)
	}
	f.Fuzz(checkJSON)
}

// TestJSONLines: each node has the line that it is on, in each document.
func TestJSONLines(t *testing.T) {
	docs := splitJSON("\n{\n\"a\":\n[1,\n2]}\n\n{\"b\": {\n\"c\": 3}}")
	if len(docs) != 2 {
		t.Fatalf("%d documents", len(docs))
	}
	a, b := docs[0], docs[1]
	key, list := written(a.roots[0], "a")
	_, inner := written(b.roots[0], "b")
	c, _ := written(inner, "c")
	for i, got := range []int{a.fileLine(a.roots[0].Line), a.fileLine(key.Line), a.fileLine(list.Line), a.fileLine(list.Content[1].Line), b.fileLine(b.roots[0].Line), b.fileLine(c.Line)} {
		if want := []int{2, 3, 4, 5, 7, 8}[i]; got != want {
			t.Errorf("node %d is on line %d, want %d", i, got, want)
		}
	}
}

func TestJSONThatIsNestedTooDeeply(t *testing.T) {
	deep := "{\"kind\": \"Pod\", \"a\": " + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "}"
	report := Validate("f", []byte("{}\n"+deep), Options{})
	if got := string(report.text()); !strings.Contains(got, "is not valid JSON: is nested too deeply") {
		t.Errorf("got\n%s", got)
	}
}
