package manifest

import "strings"

// flowStep is by how much a mapping's fields are indented in what is printed
// anew; the items of a list are not, as with kubectl.
const flowStep = 2

// block returns the lines of a collection in block style. Its lines begin at
// indent.
func (f *flow) block(indent int) []string {
	var lines []string
	for i := range f.items {
		item := &f.items[i]
		for _, c := range item.above {
			lines = append(lines, spaces(indent)+c)
		}
		if f.open == '{' {
			lines = append(lines, item.field(indent)...)
		} else {
			lines = append(lines, item.listItem(indent)...)
		}
	}
	for _, c := range f.foot {
		lines = append(lines, spaces(indent)+c)
	}
	return lines
}

// isEmpty tells whether a collection has neither items nor comments.
func (f *flow) isEmpty() bool {
	return f.open != 0 && len(f.items) == 0
}

// written returns the lines of a scalar or of an empty collection behind what
// is before it, which is indented by indent.
func (item *flowItem) written(before string, indent int) []string {
	text := item.value.text
	if item.value.open != 0 {
		text = map[byte]string{'{': "{}", '[': "[]"}[item.value.open]
	}
	lines := strings.Split(text, "\n")
	for i := range lines[1:] {
		if line := strings.TrimLeft(lines[i+1], " \t"); line != "" {
			lines[i+1] = spaces(indent+flowStep) + line
		}
	}
	lines[0] = before + behind(lines[0])
	lines[len(lines)-1] += behind(item.beside)
	return append(item.emptyComments(indent), lines...)
}

// emptyComments are those in an empty collection, which has no lines for them.
func (item *flowItem) emptyComments(indent int) []string {
	var lines []string
	if item.value.head != "" {
		lines = append(lines, spaces(indent)+item.value.head)
	}
	for _, c := range item.value.foot {
		lines = append(lines, spaces(indent)+c)
	}
	return lines
}

// heads returns the comments of a collection: one that can stand behind what is
// before it, and a line for the other.
func (item *flowItem) heads(indent int) (beside string, above []string) {
	switch {
	case item.value.head == "":
		return behind(item.beside), nil
	case item.beside != "":
		above = []string{spaces(indent) + item.beside}
	}
	return behind(item.value.head), above
}

// field returns the lines of a mapping's field.
func (item *flowItem) field(indent int) []string {
	before := spaces(indent) + item.key + ":"
	if item.value.open == 0 || item.value.isEmpty() {
		return item.written(before, indent)
	}
	beside, lines := item.heads(indent)
	if item.value.open == '{' {
		indent += flowStep
	}
	return append(append(lines, before+beside), item.value.block(indent)...)
}

// listItem returns the lines of a list's item.
func (item *flowItem) listItem(indent int) []string {
	before := spaces(indent) + "-"
	if item.value.open == 0 || item.value.isEmpty() {
		return item.written(before, indent)
	}
	beside, lines := item.heads(indent)
	return append(lines, underDash(before, beside, item.value.block(indent+flowStep))...)
}

// underDash puts the lines of a collection behind a list's dash: the first one
// on its line, unless that or the dash has a comment.
func underDash(before, beside string, lines []string) []string {
	first := strings.TrimLeft(lines[0], " ")
	if beside != "" || isComment(first) {
		return append([]string{before + beside}, lines...)
	}
	lines[0] = before + spaces(len(lines[0])-len(first)-len(before)) + first
	return lines
}

// behind is how a scalar or a comment, if there is one, follows a key.
func behind(text string) string {
	if text == "" {
		return ""
	}
	return " " + text
}
