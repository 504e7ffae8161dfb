package harness

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
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

// LogOf returns the lines that a shim has logged about a container.
func (d *Daemon) LogOf(id string) []string {
	var lines []string
	for line := range strings.Lines(d.Log()) {
		if strings.Contains(line, "container="+id) {
			lines = append(lines, line)
		}
	}
	return lines
}

// WantLog waits for a line about a container that has a text.
func (d *Daemon) WantLog(tb testing.TB, id, text string) {
	tb.Helper()
	err := Poll(tb.Context(), ReadyTimeout, "a line in the log", func() error {
		if !slices.ContainsFunc(d.LogOf(id), func(line string) bool { return strings.Contains(line, text) }) {
			return fmt.Errorf("none says %q", text)
		}
		return nil
	})
	if err != nil {
		tb.Error(err)
	}
}

func lastLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "")
}
