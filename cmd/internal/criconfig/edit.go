package criconfig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Edit is one line of a file, or none, that has become another.
type Edit struct {
	Old string `json:"old,omitempty"` // with its end of line; empty: New was inserted at the top
	New string `json:"new"`
}

// importsLine is a line of the top table that holds all of imports.
var importsLine = regexp.MustCompile(`(?m)^[ \t]*imports[ \t]*=[ \t]*\[(.*)\][ \t]*(#.*)?\r?\n`)

// AddImport returns text with pattern added to its imports, in one line that is
// new or changed; everything else is kept byte for byte. It fails where that is
// not possible, or where the result would not say exactly the same otherwise.
func AddImport(text []byte, pattern string) ([]byte, Edit, error) {
	file, err := parse(text)
	if err != nil {
		return nil, Edit{}, err
	}
	imports := slices.Concat(file.Imports, []string{pattern})
	e := Edit{New: "imports = " + list(imports) + " # changed by bookend install\n"}
	at, end := 0, 0
	if file.Imports != nil {
		m := importsLine.FindIndex(text)
		if m == nil {
			return nil, Edit{}, errSpread
		}
		at, end = m[0], m[1]
		e.Old = string(text[at:end])
	}
	out := slices.Concat(text[:at], []byte(e.New), text[end:])
	if err := sameBut(text, out, imports); err != nil {
		return nil, Edit{}, err
	}
	return out, e, nil
}

// noEdit is how programs say in the head of a file that they write it.
var noEdit = regexp.MustCompile(`(?i)\bdo not (edit|modify)\b`)

// Generated tells whether the main file says of itself, in the comments at its
// top, that another program writes it: that would undo an edit.
func (c *Config) Generated() (bool, error) {
	text, err := os.ReadFile(c.Path)
	for line := range bytes.Lines(text) {
		switch line = bytes.TrimSpace(line); {
		case len(line) > 0 && line[0] != '#':
			return false, err
		case noEdit.Match(line):
			return true, err
		}
	}
	return false, err
}

// Undo takes the edit out of text, which may have been changed elsewhere. It
// returns false where the line is not there any more.
func (e Edit) Undo(text []byte) ([]byte, bool) {
	at := bytes.Index(text, []byte(e.New))
	if at < 0 || at > 0 && text[at-1] != '\n' {
		return nil, false
	}
	old, rest := e.Old, text[at+len(e.New):]
	if old != "" && !strings.HasSuffix(old, "\n") && len(rest) > 0 {
		old += "\n" // it was the last line, and is not any more
	}
	return slices.Concat(text[:at], []byte(old), rest), true
}

// sameBut makes sure that after is before with other imports.
func sameBut(before, after []byte, imports []string) error {
	var a, b map[string]any
	if err := errors.Join(toml.Unmarshal(before, &a), toml.Unmarshal(after, &b)); err != nil {
		return fmt.Errorf("the file with another line of imports: %w", err)
	}
	got, err := stringList(b["imports"])
	if err != nil || !slices.Equal(got, imports) {
		return errSpread
	}
	delete(a, "imports")
	delete(b, "imports")
	if !reflect.DeepEqual(a, b) {
		return errSpread
	}
	return nil
}

// Snippet is what a person has to add to the main file for a drop-in to be
// read; without a drop-in, the runtime itself.
func (c *Config) Snippet() string {
	return "imports = " + list(append(slices.Clone(c.Imports), c.ImportPattern()))
}

// NewMain is a main file that only imports drop-ins; all else is left to
// containerd's defaults.
func (c *Config) NewMain() []byte {
	return []byte(strings.Join([]string{
		"# Written by bookend install: containerd imports nothing without such a file.",
		fmt.Sprintf("version = %d", c.DropInVersion()),
		"imports = " + list([]string{c.ImportPattern()}),
		"",
	}, "\n"))
}
