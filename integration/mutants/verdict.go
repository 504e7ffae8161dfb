package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// verdict is what a run of tests came to.
type verdict struct {
	passed []string
	failed string // the first test that failed; empty: none did
	said   string // what it said first
	broken string // set: why the run tells nothing
}

var (
	ended    = regexp.MustCompile(`^--- (PASS|FAIL|SKIP): (\S+) `)
	saidLine = regexp.MustCompile(`^\s+\w+_test\.go:\d+: `)
)

// breakage is what a run says that failed for another reason than an assertion.
// The last two are of the harness: no daemon, no test.
var breakage = []string{"\npanic: ", "\nfatal error: ", ": start the shared daemon: ", ": start daemon: "}

// judge reads what a test binary printed with -test.v, and how it ended.
func judge(output string, err error) verdict {
	var v verdict
	for line := range strings.Lines(output) {
		line = strings.TrimSuffix(line, "\n")
		if v.said == "" && v.failed == "" && saidLine.MatchString(line) {
			v.said = strings.TrimSpace(line)
		}
		m := ended.FindStringSubmatch(line)
		switch {
		case m == nil:
		case m[1] == "PASS":
			v.passed = append(v.passed, m[2])
			if v.failed == "" {
				v.said = "" // of a test that passed
			}
		case m[1] == "FAIL" && v.failed == "":
			v.failed = m[2]
		}
	}
	for _, b := range breakage {
		if i := strings.Index("\n"+output, b); i >= 0 {
			text, _, _ := strings.Cut(strings.TrimSpace(output[max(i-1, 0):]), "\n")
			v.broken = text
			return v
		}
	}
	if err != nil && v.failed == "" {
		v.broken = fmt.Sprintf("%v: %s", err, lastLine(output))
	}
	return v
}

// missing returns those of the named tests that did not pass.
func (v verdict) missing(named []string) []string {
	return slices.DeleteFunc(slices.Clone(named), func(n string) bool { return slices.Contains(v.passed, n) })
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndex(text, "\n")+1:]
}
