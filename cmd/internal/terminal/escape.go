package terminal

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Escape returns s with everything that a terminal would act on, rather than
// show, written out as in Go: control characters (\x1b), bytes that are no UTF-8
// (\x9b), invisible characters that reorder text (\u202e). Newlines and tabs are
// among them.
func Escape(s string) string { return escape(s, "") }

// EscapeText is [Escape] for text of several lines: newlines and tabs stay.
func EscapeText(s string) string { return escape(s, "\n\t") }

// EscapeJSON is [EscapeText] for a JSON document, which means the same afterwards: all
// that it escapes can only be within strings.
func EscapeJSON(doc []byte) []byte {
	acts := func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' && r != '\t' }
	var b bytes.Buffer
	for {
		i := bytes.IndexFunc(doc, acts)
		if i < 0 {
			b.Write(doc)
			return b.Bytes()
		}
		r, size := utf8.DecodeRune(doc[i:])
		b.Write(doc[:i])
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
		doc = doc[i+size:]
	}
}

func escape(s, keep string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case unicode.IsGraphic(r), strings.ContainsRune(keep, r):
			b.WriteString(s[:size])
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[size:]
	}
	return b.String()
}
