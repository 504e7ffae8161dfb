package hooks

import (
	"encoding/json"
	"strings"
)

// jsonReader reads JSON token by token and counts the lines.
type jsonReader struct {
	*json.Decoder
	text   string
	offset int64 // up to where lines are counted
	line   int   // of the byte at offset, from 1
}

// parseJSON reads text that is known to be valid JSON.
func parseJSON(text string) (*value, error) {
	r := &jsonReader{Decoder: json.NewDecoder(strings.NewReader(text)), text: text, line: 1}
	r.UseNumber()
	return r.value(nil, 0)
}

// next returns the next token and the line on which it ends, which is the one
// on which it begins: no token of JSON contains a line break.
func (r *jsonReader) next() (json.Token, int, error) {
	token, err := r.Token()
	end := r.InputOffset()
	r.line += strings.Count(r.text[r.offset:end], "\n")
	r.offset = end
	return token, r.line, err
}

func (r *jsonReader) value(at *path, depth int) (*value, error) {
	v := &value{path: at}
	token, line, err := r.next()
	v.line = line
	switch {
	case depth > maxDepth:
		return nil, v.fail("must not nest deeper than %d levels", maxDepth)
	case err != nil:
		return nil, v.fail("is not valid JSON: %s", quoteMessage(err.Error()))
	}
	switch t := token.(type) {
	case nil:
		v.kind = kindNull
	case bool:
		v.kind = kindBool
	case string:
		v.kind, v.text = kindString, t
	case json.Number:
		v.kind, v.text = kindInt, t.String()
		if strings.ContainsAny(v.text, ".eE") {
			v.kind = kindFloat
		}
	case json.Delim:
		return v, r.items(v, t, depth)
	}
	return v, nil
}

// items reads into v up to the end of the list or object that open began.
func (r *jsonReader) items(v *value, open json.Delim, depth int) error {
	v.kind = kindList
	if open == '{' {
		v.kind = kindTable
	}
	seen := map[string]bool{}
	for r.More() {
		at, line := v.path.item(len(v.items)), 0
		if v.kind == kindTable {
			key, err := r.value(v.path, depth)
			if err != nil {
				return err
			}
			at, line = v.path.child(key.text), key.line
			if seen[key.text] {
				return (&value{path: at, line: line}).fail("duplicate key %s", quote(at.name))
			}
			seen[key.text] = true
		}
		item, err := r.value(at, depth+1)
		if err != nil {
			return err
		}
		if line > 0 {
			item.line = line
		}
		v.items = append(v.items, item)
	}
	_, _, err := r.next()
	return err
}
