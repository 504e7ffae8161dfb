package manifest

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// editor changes lines of a document. Lines count from 0.
type editor struct {
	lines []string // without their ends
	ends  []string // of each line: "\n", "\r\n", and "" for a last line without
	edits []edit
}

// edit puts lines in place of those from from up to, not including, to.
type edit struct {
	from, to int
	with     []string
}

func newEditor(text string) *editor {
	e := &editor{}
	for line := range strings.SplitAfterSeq(text, "\n") {
		body := strings.TrimSuffix(line, "\n")
		if len(body) < len(line) {
			body = strings.TrimSuffix(body, "\r")
		}
		e.lines, e.ends = append(e.lines, body), append(e.ends, line[len(body):])
	}
	if n := len(e.lines) - 1; n > 0 && e.lines[n] == "" {
		e.lines, e.ends = e.lines[:n], e.ends[:n]
	}
	return e
}

func (e *editor) replace(from, to int, with ...string) {
	e.edits = append(e.edits, edit{from, to, with})
}

func (e *editor) insert(at int, with ...string) { e.replace(at, at, with...) }

// text returns the document with all edits. New lines end as the first one
// does; whether the last line ends stays as it is.
func (e *editor) text() string {
	slices.SortStableFunc(e.edits, func(a, b edit) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	newline := cmp.Or(e.ends[0], "\n")
	var b strings.Builder
	end, at := "", 0
	write := func(line, itsEnd string) {
		end = cmp.Or(itsEnd, newline)
		b.WriteString(line + end)
	}
	keep := func(to int) {
		for ; at < to; at++ {
			write(e.lines[at], e.ends[at])
		}
	}
	for _, edit := range e.edits {
		if edit.from < at {
			continue // within lines that are gone; the comparison of trees tells
		}
		keep(edit.from)
		for _, line := range edit.with {
			write(line, newline)
		}
		at = edit.to
	}
	keep(len(e.lines))
	if e.ends[len(e.ends)-1] == "" {
		return strings.TrimSuffix(b.String(), end)
	}
	return b.String()
}

// entryEnd returns the line behind the last one of a block mapping's entry.
// Comments that are indented deeper than its key are part of it, and empty lines
// behind it where they belong to its last scalar.
func (e *editor) entryEnd(key, value *yaml.Node) int {
	end := e.contentEnd(key, value)
	for keepsLines(value) && end < len(e.lines) && isBlank(e.lines[end]) {
		end++
	}
	return end
}

// keepsLines tells whether the last scalar in n is one to which empty lines
// behind it belong ("|+").
func keepsLines(n *yaml.Node) bool {
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && (strings.HasSuffix(n.Value, "\n\n") || n.Value == "\n")
}

// contentEnd is entryEnd without those empty lines.
func (e *editor) contentEnd(key, value *yaml.Node) int {
	indent, end := key.Column-1, key.Line
	for i := key.Line; i < len(e.lines); i++ {
		rest := strings.TrimLeft(e.lines[i], " ")
		depth := len(e.lines[i]) - len(rest)
		item := depth == indent && value.Kind == yaml.SequenceNode && (rest == "-" || strings.HasPrefix(rest, "- "))
		switch {
		case isBlank(rest):
		case depth > indent, item:
			end = i + 1
		case !isComment(rest):
			return end
		}
	}
	return end
}

// before and from cut the line of a key where the key begins.
func (e *editor) before(key *yaml.Node) string {
	line := []rune(e.lines[key.Line-1])
	return string(line[:min(key.Column-1, len(line))])
}

func (e *editor) from(key *yaml.Node) string {
	return strings.TrimPrefix(e.lines[key.Line-1], e.before(key))
}

// keyTail returns a block mapping's key as it is written, quotes included, and
// what follows the colon behind it; false: it is written in another way.
func (e *editor) keyTail(key *yaml.Node) (raw, tail string, ok bool) {
	from := e.from(key)
	length := len(key.Value)
	if key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && from != "" {
		length = len(quoted.FindString(from))
	} else if !strings.HasPrefix(from, key.Value) {
		return "", "", false
	}
	raw, tail, ok = strings.Cut(from[length:], ":")
	ok = ok && length > 0 && isBlank(raw) && (tail == "" || tail[0] == ' ' || tail[0] == '\t')
	return from[:length] + raw, tail, ok
}

func isBlank(line string) bool   { return strings.TrimSpace(line) == "" }
func isComment(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") }

// isCommentOrBlank tells whether the rest of a line has nothing but a comment.
func isCommentOrBlank(tail string) bool {
	return isBlank(tail) || (tail[0] == ' ' || tail[0] == '\t') && isComment(tail)
}

func spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }

// reindent moves lines of a block from one indentation to another. content is
// how many lines come before the first that is no comment: what is deeper there
// would count as the indentation of all.
func reindent(lines []string, from, to, content int) []string {
	moved := make([]string, len(lines))
	for i, line := range lines {
		rest := strings.TrimLeft(line, " ")
		depth := len(line) - len(rest)
		switch {
		case isBlank(line) && (depth <= from || i < content):
		case depth < from || i < content:
			moved[i] = spaces(to) + rest
		default:
			moved[i] = spaces(to) + line[from:]
		}
	}
	return moved
}
