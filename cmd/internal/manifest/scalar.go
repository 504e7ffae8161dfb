package manifest

import "strings"

// quotedLength is how long the quoted scalar is that text begins with; 0: it
// does not end.
func quotedLength(text string) int {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] != quote:
		case quote == '\'' && strings.HasPrefix(text[i+1:], "'"):
			i++
		default:
			return i + 1
		}
	}
	return 0
}

// plainLength is how long the plain scalar is that text begins with.
func plainLength(text string) int {
	end := 0 // behind the last character that is no blank
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case strings.IndexByte(",[]{}", c) >= 0,
			c == '#' && i > end,
			c == ':' && (i+1 == len(text) || strings.IndexByte(" \t\n,[]{}", text[i+1]) >= 0):
			return end
		case c != ' ' && c != '\t' && c != '\n':
			end = i + 1
		}
	}
	return end
}
