package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// firstCells are what is written as code in the first cells of a page's tables.
func firstCells(page string) []string {
	var cells []string
	for _, cell := range first(`(?m)^\| ([^|]+) \|`, page) {
		cells = append(cells, first("`([^`]+)`", cell)...)
	}
	return cells
}

// wantAll checks that a page has a row for each name.
func wantAll(t *testing.T, page string, names []string) {
	t.Helper()
	if len(names) < 5 {
		t.Fatalf("only %d are known: %v", len(names), names)
	}
	told := firstCells(read(t, page))
	for _, name := range names {
		if !slices.Contains(told, name) {
			t.Errorf("%s has no row for %s", page, name)
		}
	}
}

// wantOnly checks that a page has no row for anything else that begins so.
func wantOnly(t *testing.T, page, prefix string, names []string) {
	t.Helper()
	for _, cell := range firstCells(read(t, page)) {
		if strings.HasPrefix(cell, prefix) && !slices.Contains(names, cell) {
			t.Errorf("%s has a row for %s, which does not exist", page, cell)
		}
	}
}

// first are the first groups of all matches.
func first(pattern, text string) (all []string) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// The agent's page has each flag of the agent, metric and alert; that on clusters the
// webhook's flags. Both programs are of another module: their sources are read.
func TestPagesOnTheClusterTellOfAllThereIs(t *testing.T) {
	const node = "cmd/bookend-node/"
	flags := func(pattern string) (all []string) {
		files, err := filepath.Glob(filepath.Join(root, node, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range first(`\.(?:String|Bool|Duration|Int|StringSlice|StringArray)Var\(&?[\w.]+, "([a-z-]+)"`, read(t, name)) {
				all = append(all, "--"+f)
			}
		}
		return all
	}
	wantAll(t, "docs/agent.md", slices.Concat(flags("agent*.go"), flags("internal/look/flags.go")))
	wantAll(t, "docs/kubernetes.md", slices.Concat(flags("webhook*.go"), flags("*/webhook*.go"), flags("uninstall.go")))

	var metrics []string
	for line := range strings.Lines(read(t, node+"internal/metrics/metrics.txt")) {
		if name, _, _ := strings.Cut(line, " "); strings.HasPrefix(name, "bookend_") {
			metrics = append(metrics, name)
		}
	}
	wantAll(t, "docs/agent.md", metrics)
	wantOnly(t, "docs/agent.md", "bookend_", metrics)
	alerts := first(`(?m)^ +- alert: (\w+)$`, read(t, "deploy/monitoring/rules.yaml"))
	wantAll(t, "docs/agent.md", alerts)
	wantOnly(t, "docs/agent.md", "Bookend", alerts)
}

// Metrics have the labels that the page says.
func TestTheAgentsPageHasTheLabelsOfMetrics(t *testing.T) {
	page := read(t, "docs/agent.md")
	for line := range strings.Lines(read(t, "cmd/bookend-node/internal/metrics/metrics.txt")) {
		f := append(strings.Fields(line), "")
		if !strings.HasPrefix(f[0], "bookend_") {
			continue
		}
		row := regexp.MustCompile("(?m)^\\| `" + f[0] + "` \\| (\\w+) \\|[^|]+\\|([^|]*)\\|").FindStringSubmatch(page)
		if row == nil {
			t.Errorf("there is no row for %s", f[0])
			continue
		}
		told := strings.FieldsFunc(row[2], func(r rune) bool { return strings.ContainsRune("`, ", r) })
		slices.Sort(told)
		if row[1] != f[1] || strings.Join(told, ",") != f[2] {
			t.Errorf("%s is a %s with the labels %q, not a %s with %q", f[0], f[1], f[2], row[1], told)
		}
	}
}

// Events that the pages name are those that the agent makes.
func TestPagesNameTheReasonsOfEvents(t *testing.T) {
	reasons := first(`Reason\w+ += "(\w+)"`, read(t, "cmd/bookend-node/internal/tell/notice.go"))
	if len(reasons) != 4 {
		t.Fatalf("%d reasons: %v", len(reasons), reasons)
	}
	for _, page := range []string{"docs/workloads.md", "docs/agent.md", "docs/troubleshooting.md"} {
		for _, reason := range reasons {
			if text := read(t, page); !strings.Contains(text, reason) {
				t.Errorf("%s says nothing of %s", page, reason)
			}
		}
	}
}
