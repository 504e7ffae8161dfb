package main

import (
	"errors"
	"reflect"
	"testing"
)

const page = `# Versions

| containerd | tests |
|---|---|
| 2.4 | all |

## Known failures

Text, and | a line with bars.

| containerd | suite | test | why |
|---|---|---|---|
| all | critest | ` + "`[k8s.io] Image pull (2)`" + ` | only the original has it |
| 1.7, 2.0 | integration | ` + "`TestInfo*`" + ` | it asks no shim |

## Next

| a | b | c | d |
|---|---|---|---|
| 1 | 2 | 3 | 4 |
`

func TestParseKnown(t *testing.T) {
	got, err := parseKnown(page)
	want := []known{
		{[]string{"all"}, "critest", "[k8s.io] Image pull (2)", "only the original has it"},
		{[]string{"1.7", "2.0"}, "integration", "TestInfo*", "it asks no shim"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
}

func TestParseKnownRefuses(t *testing.T) {
	const table = "\n" + knownHeading + "\n\n| containerd | suite | test | why |\n|---|---|---|---|\n"
	for text, want := range map[string]error{
		"# Versions\n":                            errNoTable,
		"\n" + knownHeading + "\n\nnone\n":        errNoTable,
		table + "| 1.7 | integration | `T` |\n":   errRow,
		table + "| 1.7 | integration | `T` | |\n": errRow,
		table + "| 1.7 | a | `T` | b | c |\n":     errRow,
	} {
		if got, err := parseKnown(text); !errors.Is(err, want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	if got, err := parseKnown(table); err != nil || got != nil {
		t.Errorf("a table without rows: %v, %v", got, err)
	}
}

// The page of this repository can be read.
func TestKnownFailuresOfThePage(t *testing.T) {
	if _, err := readKnown("../../docs/versions.md"); err != nil {
		t.Error(err)
	}
}

func TestKnownMatches(t *testing.T) {
	k := known{releases: []string{"1.7", "2.0"}, suite: "integration", test: "TestInfo*"}
	for _, tt := range []struct {
		release, suite, test string
		want                 bool
	}{
		{"1.7", "integration", "TestInfoIsKnown", true},
		{"2.0", "integration", "TestInfo/sub", true},
		{"2.2", "integration", "TestInfo", false},
		{"1.7", "critest", "TestInfo", false},
		{"1.7", "integration", "TestOther", false},
	} {
		if got := k.matches(tt.release, tt.suite, tt.test); got != tt.want {
			t.Errorf("%v: %v", tt, got)
		}
	}
	k = known{releases: []string{everyRelease}, suite: "s", test: "a [b] c"}
	if !k.matches("9.9", "s", "a [b] c") || k.matches("9.9", "s", "a [b] c d") {
		t.Error("a whole name matches itself alone, with every release")
	}
}
