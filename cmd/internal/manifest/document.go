package manifest

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// document is one document of a file. The texts of all documents, one after
// the other, are the file.
type document struct {
	text  string
	line  int // of the file, where text begins; from 1
	json  bool
	err   error        // of JSON, which is read as it is split
	roots []*yaml.Node // none: nothing but comments; several where they cannot be told apart line by line
	lines []int        // of the file, for each line that nodes know, less one
}

// split cuts a file into its documents without reading them. A line "---"
// begins a document and "..." ends one wherever they stand: YAML allows neither
// inside a scalar.
func split(text string) []*document {
	if docs := splitJSON(text); docs != nil {
		return docs
	}
	var docs []*document
	from, line, fromLine, inside := 0, 1, 1, false
	cut := func(at, nextLine int) {
		if at > from {
			docs = append(docs, &document{text: text[from:at], line: fromLine})
		}
		from, fromLine, inside = at, nextLine, false
	}
	at := 0
	for whole := range strings.SplitAfterSeq(text, "\n") {
		switch l := strings.TrimPrefix(whole, byteOrderMark); {
		case isMarker(l, "---"):
			if inside {
				cut(at, line)
			}
			inside = true
		case isMarker(l, "..."):
			cut(at+len(whole), line+1)
		default:
			inside = inside || !isPrelude(l)
		}
		at, line = at+len(whole), line+1
	}
	cut(len(text), line)
	return docs
}

// splitJSON reads a file of JSON values, one after the other; nil: it is not one.
func splitJSON(text string) []*document {
	if s := strings.TrimLeft(text, " \t\r\n"); s == "" || s[0] != '{' {
		return nil
	}
	const deepest = 1000
	var docs []*document
	r := hooks.NewJSONReader(text, deepest)
	for from, line := 0, 1; ; from, line = r.Offset(), r.Line() {
		root, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			docs[len(docs)-1].text += text[from:]
			return docs
		case errors.Is(err, hooks.ErrNesting):
			return append(docs, &document{text: text[from:], line: line, json: true, err: fmt.Errorf("is not valid JSON: %w", err)})
		case err != nil:
			return nil
		}
		docs = append(docs, &document{text: text[from:r.Offset()], line: line, json: true, roots: []*yaml.Node{root}})
	}
}

// isMarker tells whether a line is a document marker.
func isMarker(line, marker string) bool {
	rest, ok := strings.CutPrefix(line, marker)
	return ok && (rest == "" || strings.ContainsRune(" \t\r\n", rune(rest[0])))
}

// isPrelude tells whether a line may stand before a document's "---".
func isPrelude(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#' || line[0] == '%'
}

// parse reads the document's nodes. An error has the line of the document.
func (d *document) parse() (line int, err error) {
	if d.json {
		return 1, d.err
	}
	d.roots, line, err = readYAML(d.text)
	if err != nil {
		err = fmt.Errorf("is not valid YAML: %w", err)
	}
	return line, err
}

// readYAML reads all documents of text. An error comes with its line, 1 where
// that is not known, and with the documents before it.
func readYAML(text string) (roots []*yaml.Node, line int, err error) {
	loader, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		return nil, 1, err
	}
	for {
		var doc yaml.Node
		if err := loader.Load(&doc); err != nil {
			if errors.Is(err, io.EOF) {
				return roots, 0, nil
			}
			var load *yaml.LoadError
			if !errors.As(err, &load) {
				return roots, 1, err
			}
			return roots, max(load.Mark.Line, 1), errors.New(load.Message)
		}
		if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
			roots = append(roots, doc.Content[0])
		}
	}
}

// fileLine returns the line of the file for a line that a node knows. To the
// YAML library more characters end a line than to an editor.
func (d *document) fileLine(line int) int {
	if d.json {
		return d.line + line - 1
	}
	if d.lines == nil {
		d.lines = fileLines(d.text, d.line)
	}
	return d.lines[min(max(line, 1), len(d.lines))-1]
}

// oddBreaks end a line to the YAML library and not to an editor, but for a
// carriage return that belongs to a line feed.
const oddBreaks = "\r\u0085\u2028\u2029"

func fileLines(text string, first int) []int {
	lines := []int{first}
	for i, r := range text {
		switch {
		case r == '\n':
			first++
		case !strings.ContainsRune(oddBreaks, r), strings.HasPrefix(text[i:], "\r\n"):
			continue
		}
		lines = append(lines, first)
	}
	if n := len(lines); n > 1 && strings.HasSuffix(text, "\n") {
		lines = lines[:n-1] // there is no line behind the last line's end
	}
	return lines
}
