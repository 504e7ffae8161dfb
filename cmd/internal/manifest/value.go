package manifest

import "go.yaml.in/yaml/v4"

// value is a Lifecycle object in a document.
type value struct {
	path   string
	source string // the annotation that it is or would be
	text   string
	root   *yaml.Node // of text; nil: it cannot be read as YAML
	at     int        // the document's line of the value as a whole
	first  int        // the document's line of the value's first; 0: its lines are not lines of the document
	// terminal tells that its container has one.
	terminal bool
}

// valueRoot reads an annotation's text; nil: it is not one document.
func valueRoot(text string) *yaml.Node {
	if docs := splitJSON(text); len(docs) == 1 && docs[0].err == nil {
		return docs[0].roots[0]
	}
	return rootOf(text)
}

// rootOf reads a single YAML document; nil: it is none.
func rootOf(text string) *yaml.Node {
	if roots, _, err := readYAML(text); err == nil && len(roots) == 1 {
		return roots[0]
	}
	return nil
}

// line returns the document's line for one of the value. Only in a literal
// block scalar do lines stay lines; all else is found where the value begins.
func (v *value) line(inner int) int {
	if inner > 0 && v.first > 0 {
		return v.first + inner - 1
	}
	return v.at
}

// lineOf returns the document's line of the field at names, or of the nearest
// one around it.
func (v *value) lineOf(names ...string) int {
	inner, n := 0, v.root
	for _, name := range names {
		key, next := written(n, name)
		if key == nil {
			break
		}
		inner, n = key.Line, next
	}
	return v.line(inner)
}
