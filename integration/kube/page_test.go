package kube

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/kubernetes-differential.md anew")

const pageHead = `# bookend beside the kubelet, pod by pod

A test runs each of these pods twice, with the same ` + "`lifecycle`" + `: by the kubelet's own hooks on the stock shim,
and, after ` + "`bookend convert`" + `, by bookend, whose agent posts the Events of hooks. It compares the pod's phase, how
each container ended and how often it was restarted, what containers and hooks noted and in which order, and the
reasons and counts of the pod's Events. It writes this page: ` + "`make kube-differential`" + `.

The numbers are those of [differences.md](differences.md), which has the reasons. Not compared are Events with these
reasons:

`

// page is the table in Markdown.
func (t *table) page() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out strings.Builder
	out.WriteString(pageHead)
	for _, reason := range sortedKeys(leftOut) {
		fmt.Fprintf(&out, "- `%s`: %s.\n", reason, leftOut[reason])
	}
	out.WriteString("\n## What differs\n\n| pod | what | kubelet | bookend | why |\n|---|---|---|---|---|\n")
	var same []string
	for _, name := range sortedKeys(t.rows) {
		if len(t.rows[name]) == 0 {
			same = append(same, name)
		}
		for _, r := range t.rows[name] {
			fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", name, r.aspect, orNone(r.theirs), orNone(r.ours), r.because)
		}
	}
	fmt.Fprintf(&out, "\n## What is the same\n\nEverything of these %d pods:\n\n", len(same))
	for _, name := range same {
		fmt.Fprintf(&out, "- %s\n", name)
	}
	return out.String()
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// wantPage compares the page with the table, or writes it.
func wantPage(t *testing.T, root string, table *table) {
	t.Helper()
	path := filepath.Join(root, "docs", "kubernetes-differential.md")
	if *update {
		if err := os.WriteFile(path, []byte(table.page()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(content) != table.page() {
		t.Errorf("%s is not of this run: make kube-differential writes it", path)
	}
}
