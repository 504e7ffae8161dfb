package manifest

import (
	"regexp"
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// flow is a collection that was read in flow style ({...}, [...]) and is in
// block style now. Scalars and comments are texts of the document.
type flow struct {
	mapping bool
	empty   bool     // it has neither items nor fields
	head    string   // the comment behind what opens it
	lines   []string // of its items or fields, and of all other comments
}

var (
	quoted   = regexp.MustCompile(`^(?s:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')`)
	plainEnd = regexp.MustCompile(`[,\[\]{}]|[ \t\n]#|:(?:[ \t\n,\[\]{}]|$)`)
)

// readFlow reads the collection that text begins with, whose lines are to begin
// at indent, and returns its length. What it does not read is rare: anchors and
// tags of collections, explicit keys, items of a list that are single pairs.
func readFlow(text string, indent int) (f flow, length int, err error) {
	r := &flowReader{text: text}
	f, err = r.collection(indent)
	f.lines = append(f.lines, r.comments(indent)...)
	return f, r.at, err
}

// flowAt is readFlow for the collection n of the document. It returns the text
// from there on, which may not be all of it, too.
func (e *editor) flowAt(n *yaml.Node, indent int) (f flow, text string, length int, err error) {
	for size := 16; ; size *= 2 {
		end := min(n.Line+size, len(e.lines))
		text = e.from(n) + "\n" + strings.Join(e.lines[n.Line:end], "\n")
		if f, length, err = readFlow(text, indent); err == nil || end == len(e.lines) {
			return f, text, length, err
		}
	}
}

// flowReader reads a collection in flow style.
type flowReader struct {
	text    string
	at      int
	depth   int
	pending []string // comments that no item has yet
}

// peek returns the next character, 0 at the end.
func (r *flowReader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

// skip reads blanks and comments. It returns the comment on the line where it
// began; the others are pending.
func (r *flowReader) skip() (beside string) {
	first := true
	for ; strings.IndexByte(" \t\n#", r.peek()) >= 0 && r.at < len(r.text); r.at++ {
		switch r.peek() {
		case '\n':
			first = false
		case '#':
			comment, _, _ := strings.Cut(r.text[r.at:], "\n")
			r.at += len(comment) - 1
			comment = strings.TrimRight(comment, " \t")
			if first {
				beside = comment
			} else {
				r.pending = append(r.pending, comment)
			}
		}
	}
	return beside
}

// skipToValue reads blanks and comments, which are all pending.
func (r *flowReader) skipToValue() {
	if beside := r.skip(); beside != "" {
		r.pending = append(r.pending, beside)
	}
}

// comments returns the lines of the pending comments.
func (r *flowReader) comments(indent int) []string {
	lines := commentLines(indent, r.pending...)
	r.pending = nil
	return lines
}

func (r *flowReader) collection(indent int) (flow, error) {
	const deepest = 1000
	f := flow{mapping: r.peek() == '{', empty: true}
	end := byte(']')
	if f.mapping {
		end = '}'
	}
	if r.depth++; r.depth > deepest {
		return f, hooks.ErrNesting
	}
	r.at++
	f.head = r.skip()
	for r.peek() != end {
		lines, err := r.item(end, indent)
		if err != nil {
			return f, err
		}
		f.lines, f.empty = append(f.lines, lines...), false
	}
	r.at++
	r.depth--
	if !f.empty {
		f.lines = append(f.lines, r.comments(indent)...)
	}
	return f, nil
}

// item reads an item of a list or a field of a mapping, which end closes, and
// the comma behind it. It returns its lines.
func (r *flowReader) item(end byte, indent int) (lines []string, err error) {
	lines = r.comments(indent)
	before, inner := spaces(indent)+"-", indent+flowStep
	if end == '}' {
		key, err := r.key()
		if err != nil {
			return nil, err
		}
		before = spaces(indent) + key + ":"
	}
	var text string
	value := flow{empty: true}
	switch c := r.peek(); c {
	case '{', '[':
		lines = append(lines, r.comments(indent)...)
		if c == '[' && end == '}' {
			inner = indent
		}
		value, err = r.collection(inner)
		if text = "[]"; value.mapping {
			text = "{}"
		}
		if value.empty {
			lines = append(lines, commentLines(indent, value.head)...)
			lines = append(lines, r.comments(indent)...)
		}
	case ',', '}', ']':
	default:
		text, err = r.scalar()
	}
	if err != nil {
		return nil, err
	}
	beside, err := r.itemEnd(end)
	if err != nil {
		return nil, err
	}
	if value.empty {
		return append(lines, scalarLines(before, text, beside, indent)...), nil
	}
	beside, above := heads(value.head, beside, indent)
	lines = append(lines, above...)
	if end == ']' {
		return append(lines, underDash(before, beside, value.lines)...), nil
	}
	return append(append(lines, before+beside), value.lines...), nil
}

// itemEnd reads what is behind an item up to the next one, and returns the
// comment beside it.
func (r *flowReader) itemEnd(end byte) (beside string, err error) {
	beside = r.skip()
	switch {
	case r.peek() == ',' && beside == "":
		r.at++
		beside = r.skip()
	case r.peek() == ',':
		r.at++
		r.skipToValue()
	case r.peek() != end:
		err = errNotPlain
	}
	return beside, err
}

// key reads a key and the colon behind it, if there is one, up to its value.
func (r *flowReader) key() (string, error) {
	key, err := r.scalar()
	switch {
	case err != nil:
		return "", err
	case strings.Contains(key, "\n") || key[0] == '?':
		return "", errNotPlain
	}
	r.skipToValue()
	if r.peek() == ':' {
		r.at++
		r.skipToValue()
	}
	return key, nil
}

// scalar reads a scalar as it is written.
func (r *flowReader) scalar() (string, error) {
	text := r.text[r.at:]
	if c := r.peek(); c == '"' || c == '\'' {
		text = quoted.FindString(text)
	} else {
		if end := plainEnd.FindStringIndex(text); end != nil {
			text = text[:end[0]]
		}
		text = strings.TrimRight(text, " \t\n")
	}
	if text == "" {
		return "", errNotPlain
	}
	r.at += len(text)
	return text, nil
}
