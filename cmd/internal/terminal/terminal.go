package terminal

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Is tells whether what is written to w goes to a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
