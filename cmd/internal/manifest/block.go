package manifest

import "strings"

// flowStep is by how much a mapping's fields are indented in what is printed
// anew; the items of a list are not, as with kubectl.
const flowStep = 2

// scalarLines returns the lines of a scalar behind what is before it.
func scalarLines(before, text, beside string, indent int) []string {
	lines := strings.Split(text, "\n")
	for i, line := range lines[1:] {
		if line = strings.TrimLeft(line, " \t"); line != "" {
			line = spaces(indent+flowStep) + line
		}
		lines[i+1] = line
	}
	lines[0] = before + behind(lines[0])
	lines[len(lines)-1] += behind(beside)
	return lines
}

// commentLines returns the lines of those comments that are there.
func commentLines(indent int, comments ...string) []string {
	var lines []string
	for _, c := range comments {
		if c != "" {
			lines = append(lines, spaces(indent)+c)
		}
	}
	return lines
}

// heads returns the comments of a collection: one that can stand behind what is
// before it, and a line for the other.
func heads(head, beside string, indent int) (behindKey string, above []string) {
	if head == "" {
		return behind(beside), nil
	}
	return behind(head), commentLines(indent, beside)
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
