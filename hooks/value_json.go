package hooks

import (
	"encoding/json"
	"strings"
)

// parseJSON reads text that is known to be valid JSON.
func parseJSON(text string) (*value, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return fromJSON(dec, nil, 0)
}

func fromJSON(dec *json.Decoder, at *path, depth int) (*value, error) {
	v := &value{path: at}
	if depth > maxDepth {
		return nil, v.fail("must not nest deeper than %d levels", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
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
		return v, v.itemsFromJSON(dec, t, depth)
	}
	return v, nil
}

// itemsFromJSON reads up to the end of the list or object that open began.
func (v *value) itemsFromJSON(dec *json.Decoder, open json.Delim, depth int) error {
	v.kind = kindList
	if open == '{' {
		v.kind = kindTable
	}
	seen := map[string]bool{}
	for dec.More() {
		at := v.path.item(len(v.items))
		if v.kind == kindTable {
			key, err := fromJSON(dec, v.path, depth)
			if err != nil {
				return err
			}
			at = v.path.child(key.text)
			if seen[key.text] {
				return (&value{path: at}).fail("duplicate key")
			}
			seen[key.text] = true
		}
		item, err := fromJSON(dec, at, depth+1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	_, err := dec.Token()
	return err
}
