package main

import (
	"reflect"
	"strings"
	"testing"
)

const example = `# a comment

row 1: a row of its own
file shim/kill.go
test TestA TestB
 	before
-	old
+	new
 	after

row 2: no test from outside
file shim/machine.go
unit ./shim TestC TestD: there is no criu
-old
`

func TestParse(t *testing.T) {
	got, err := parse(example)
	want := []mutant{
		{row: "1: a row of its own", file: "shim/kill.go", tests: []string{"TestA", "TestB"}, old: "\tbefore\n\told\n\tafter\n", new: "\tbefore\n\tnew\n\tafter\n"},
		{row: "2: no test from outside", file: "shim/machine.go", pkg: "./shim", tests: []string{"TestC", "TestD"}, why: "there is no criu", old: "old\n"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"test TestA":                        "comes before any row",
		"row a\nfile b\n-x":                 "needs a file, a test and an edit",
		"row a\nfile b\ntest T\n x":         "needs a file, a test and an edit",
		"row a\nfile b\nunit ./shim T\n-x":  "why no integration test",
		"row a\nfile b\nunit ./shim: w\n-x": "why no integration test",
		"row a\nfiles b":                    "want row, file, test, unit",
	} {
		if got, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v; want %q", text, got, err, want)
		}
	}
}

func TestApply(t *testing.T) {
	m := mutant{row: "r", file: "f", old: "b\n", new: "B\n"}
	for source, want := range map[string]string{
		"a\nb\nc\n":    "a\nB\nc\n",
		"b\nc\n":       "B\nc\n",
		"a\nb\n":       "a\nB\n",
		"a\nab\nb\n":   "a\nab\nB\n", // whole lines alone count
		"a\nc\n":       "",
		"b\na\nb\nc\n": "",
	} {
		got, err := m.apply(source)
		if (err == nil) != (want != "") || got != want {
			t.Errorf("%q: got %q, %v, want %q", source, got, err, want)
		}
	}
}

func TestTheListsAreWellFormed(t *testing.T) {
	mutants, err := load("postStart.txt", "preStop.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range mutants {
		if edit := m.file + m.old + m.new + strings.Join(m.tests, " "); seen[edit] && !strings.Contains(m.row, "not run: ") {
			t.Errorf("row %q is another's edit", m.row)
		} else {
			seen[edit] = true
		}
	}
}
