package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every edit applies to the sources as they are.
func TestEveryMutantApplies(t *testing.T) {
	for _, m := range all(t) {
		if _, err := newTrials(filepath.Join("..", ".."), []mutant{m}); err != nil {
			t.Error(err)
		}
	}
}

// Every test that a mutant names exists: go test takes a name that no test has for
// a success.
func TestEveryMutantNamesTests(t *testing.T) {
	for _, m := range all(t) {
		dir := filepath.Join("..", "..", m.pkg)
		if m.pkg == "" {
			dir = ".."
		}
		source := testSources(t, dir)
		for _, name := range m.tests {
			if !strings.Contains(source, "\nfunc "+name+"(") {
				t.Errorf("%s: no test %s in %s", m.row, name, dir)
			}
		}
	}
}

func all(t *testing.T) []mutant {
	t.Helper()
	var found []mutant
	for _, list := range []string{"postStart.txt", "preStop.txt"} {
		mutants, err := load(list)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, mutants...)
	}
	return found
}

// testSources returns the text of a package's tests.
func testSources(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(data)
	}
	return text.String()
}
