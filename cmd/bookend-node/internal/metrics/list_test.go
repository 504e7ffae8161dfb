package metrics

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

var update = flag.Bool("update", false, "write the list of metrics")

// listPath is the list of the metrics and their labels. The tests of the dashboard and
// the alert rules, in deploy/monitoring/check, compare what those use with it.
const listPath = "metrics.txt"

func TestTheListOfMetricsIsComplete(t *testing.T) {
	m := New(newStore(t), "v")
	take(t, m, ended(hooks.PreStop, "exec", hooks.Failed, 1))
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range families {
		if name := f.GetName(); !strings.HasPrefix(name, "bookend_") && name != "process_resident_memory_bytes" {
			continue // of the libraries' own choice
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ","))))
	}
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(listPath, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(listPath)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("metrics.txt is not what the agent serves; run go test with -update\n%s", got)
	}
}
