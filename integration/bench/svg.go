package main

import (
	"bytes"
	"fmt"
	"html"
)

// svg is a drawing of a size in pixels, from the top left.
type svg struct {
	width, height float64
	body          bytes.Buffer
}

// Colours of what is drawn.
const (
	inkColour   = "#24292f"
	oursColour  = "#0b6bcb"
	otherColour = "#9aa4ae"
	goalColour  = "#b42318"
)

func (s *svg) rect(x, y, width, height float64, colour string) {
	fmt.Fprintf(&s.body, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, max(width, 0), height, colour)
}

func (s *svg) line(x1, y1, x2, y2 float64, colour string) {
	fmt.Fprintf(&s.body, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="1.5"/>`+"\n", x1, y1, x2, y2, colour)
}

// text writes words from x on, to its left where anchor is "end".
func (s *svg) text(x, y float64, anchor, words string) {
	fmt.Fprintf(&s.body, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, inkColour, html.EscapeString(words))
}

// bytes is the document. Its background is white for readers in the dark.
func (s *svg) bytes() []byte {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %[1]g %[2]g" font-family="sans-serif" font-size="13">
<rect width="100%%" height="100%%" fill="#ffffff"/>
%[3]s</svg>
`, s.width, s.height, s.body.Bytes())
}
