package harness

import (
	"os"
	"strings"
)

// LogPath is the file that containerd and its shims log to.
func (d *Daemon) LogPath() string { return d.Path("containerd.log") }

// Log returns what containerd and its shims have logged.
func (d *Daemon) Log() string {
	b, err := os.ReadFile(d.LogPath())
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// LogTail returns the last n lines of [Daemon.Log].
func (d *Daemon) LogTail(n int) string { return lastLines(d.Log(), n) }

func lastLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "")
}
