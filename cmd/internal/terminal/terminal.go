package terminal

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Is tells whether what is written to w goes to a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
