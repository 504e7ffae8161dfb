package install

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
)

// Diff is the change as a unified diff; of links and of what is no text it is
// one line that says so.
func (c Change) Diff() string {
	if !c.Before.text() || !c.After.text() {
		switch {
		case c.Before == nil:
			return fmt.Sprintf("%s: new, %s\n", c.Path, c.After.describe())
		case c.After == nil:
			return fmt.Sprintf("%s: removed, %s\n", c.Path, c.Before.describe())
		}
		return fmt.Sprintf("%s: %s, before %s\n", c.Path, c.After.describe(), c.Before.describe())
	}
	from, before := c.Before.side(c.Path)
	to, after := c.After.side(c.Path)
	return udiff.Unified(from, to, before, after)
}

func (e *Entry) text() bool {
	return e == nil || e.Link == "" && utf8.Valid(e.Data) && !bytes.ContainsRune(e.Data, 0)
}

// side is one side of a diff.
func (e *Entry) side(path string) (label, content string) {
	if e == nil {
		return "/dev/null", ""
	}
	return path, string(e.Data)
}

func (e *Entry) describe() string {
	if e.Link != "" {
		return "link to " + e.Link
	}
	return fmt.Sprintf("file of %d bytes", len(e.Data))
}

// String lists what the plan does, files as diffs.
func (p *Plan) String() string {
	var b strings.Builder
	if p.Place != "" {
		fmt.Fprintf(&b, "%s: %s\n", p.Place, strings.Join(binaries(), ", "))
	}
	for _, c := range p.Changes {
		b.WriteString(c.Diff())
	}
	for _, path := range p.Remove {
		fmt.Fprintf(&b, "%s: removed\n", path)
	}
	return b.String()
}
