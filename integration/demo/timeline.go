package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The sources of rows.
const (
	fromCRI        = "CRI call"
	fromEvent      = "event"
	fromContainerd = "containerd"
	fromServer     = "server log"
	fromHTTP       = "request"
)

// row is one observation. Its time is that of the source, all of which share
// the machine's clock.
type row struct {
	time      time.Time
	container string // or the pod's name
	source    string
	what      string
}

// timeline collects observations in any order. It is safe for concurrent use.
type timeline struct {
	mu   sync.Mutex
	rows []row
}

func (t *timeline) add(rows ...row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, rows...)
}

// sorted returns the rows by time; those of one moment as they were added.
func (t *timeline) sorted() []row {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := slices.Clone(t.rows)
	slices.SortStableFunc(rows, func(a, b row) int { return a.time.Compare(b.time) })
	return rows
}

// render writes the rows in aligned columns, times being milliseconds since
// zero.
func (t *timeline) render(zero time.Time) string {
	var b strings.Builder
	rows := t.sorted()
	container, source := len("container"), len("source")
	for _, r := range rows {
		container, source = max(container, len(r.container)), max(source, len(r.source))
	}
	line := func(ms string, r row) {
		// A message of several lines goes on below its own column.
		margin := "\n" + strings.Repeat(" ", 9+2+container+2+source+2)
		what := strings.ReplaceAll(strings.TrimSpace(r.what), "\n", margin)
		fmt.Fprintf(&b, "%9s  %-*s  %-*s  %s\n", ms, container, r.container, source, r.source, what)
	}
	line("ms", row{container: "container", source: "source", what: "what"})
	for _, r := range rows {
		line(fmt.Sprintf("%.1f", float64(r.time.Sub(zero).Microseconds())/1000), r)
	}
	return b.String()
}
