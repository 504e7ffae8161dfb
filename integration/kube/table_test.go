package kube

import (
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
)

// table is what differs, a row for each aspect of a scenario.
type table struct {
	mu   sync.Mutex
	rows map[string][]row // by the name of the scenario
}

type row struct {
	aspect                aspect
	theirs, ours, because string
}

// compared makes a scenario one of the table's, which may have no row.
func (t *table) compared(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[string][]row{}
	}
	t.rows[name] = nil
}

func (t *table) add(name string, r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows[name] = append(t.rows[name], r)
}

func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "pod\taspect\tkubelet\tbookend\treason")
	for _, name := range sortedKeys(t.rows) {
		for _, r := range t.rows[name] {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, r.aspect, r.theirs, r.ours, r.because)
		}
	}
	_ = w.Flush()
	return out.String()
}
