package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one row of what is promised, and an edit that breaks it.
type mutant struct {
	row   string
	file  string   // the source file, from the top of the repository
	old   string   // what the edit replaces
	new   string   // what it puts there
	tests []string // the tests that should notice
	// pkg is the package of the tests, from the top of the repository, where they
	// are unit tests; empty: they are integration tests. why says then why the row
	// cannot be seen from outside.
	pkg, why string
}

// parse reads the mutants of a list.
func parse(list string) ([]mutant, error) {
	var all []mutant
	for n, line := range strings.Split(list, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if row, ok := strings.CutPrefix(line, "row "); ok {
			all = append(all, mutant{row: row})
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("line %d: %q comes before any row", n+1, line)
		}
		if err := all[len(all)-1].add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	for _, m := range all {
		if m.file == "" || len(m.tests) == 0 || m.old == m.new {
			return nil, fmt.Errorf("row %q: it needs a file, a test and an edit", m.row)
		}
	}
	return all, nil
}

// add reads one line below that of the row.
func (m *mutant) add(line string) error {
	text := line[1:] + "\n"
	switch line[0] {
	case ' ':
		m.old, m.new = m.old+text, m.new+text
		return nil
	case '-':
		m.old += text
		return nil
	case '+':
		m.new += text
		return nil
	}
	key, value, _ := strings.Cut(line, " ")
	switch key {
	case "file":
		m.file = value
	case "test":
		m.tests = strings.Fields(value)
	case "unit":
		names, why, _ := strings.Cut(value, ": ")
		fields := strings.Fields(names)
		if len(fields) < 2 || why == "" {
			return fmt.Errorf("%q: want a package, tests and, after a colon, why no integration test can see the row", line)
		}
		m.pkg, m.tests, m.why = fields[0], fields[1:], why
	default:
		return fmt.Errorf("%q: want row, file, test, unit or a line of an edit", line)
	}
	return nil
}

// apply returns the source with the edit in it.
func (m *mutant) apply(source string) (string, error) {
	if n := strings.Count("\n"+source, "\n"+m.old); n != 1 {
		return "", fmt.Errorf("row %q: the text that it edits is in %s %d times, want once", m.row, m.file, n)
	}
	before, after, _ := strings.Cut("\n"+source, "\n"+m.old)
	return (before + "\n" + m.new + after)[1:], nil
}

// load reads lists of mutants. The name of a list is in front of its rows.
func load(paths ...string) ([]mutant, error) {
	var all []mutant
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		mutants, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, m := range mutants {
			m.row = strings.TrimSuffix(filepath.Base(path), ".txt") + ", " + m.row
			all = append(all, m)
		}
	}
	return all, nil
}
