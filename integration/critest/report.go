package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// outcome is how one test ended: passed, skipped, failed, or another of Ginkgo's words for failed
// (panicked, timedout, interrupted, aborted).
type outcome struct {
	State   string
	Message string // of a failure, or why it was skipped
}

// rank orders outcomes: 2 passed, 1 skipped, 0 the rest, a test that never ran included.
func (o outcome) rank() int {
	switch o.State {
	case "passed":
		return 2
	case "skipped":
		return 1
	default:
		return 0
	}
}

// results are the outcomes of one run by the tests' full names.
type results struct {
	Outcomes map[string]outcome
	Took     time.Duration
}

// count tells how many tests passed, were skipped, and ended any other way.
func (r results) count() (passed, failed, skipped int) {
	for _, o := range r.Outcomes {
		switch o.rank() {
		case 2:
			passed++
		case 1:
			skipped++
		default:
			failed++
		}
	}
	return passed, failed, skipped
}

// notPassed lists the tests that failed or were skipped, by name.
func (r results) notPassed() (tests []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Outcomes)) {
		if r.Outcomes[name].State != "passed" {
			tests = append(tests, name)
		}
	}
	return tests
}

// only returns the results of tests alone. One that is missing is an error.
func (r results) only(tests []string) (results, error) {
	chosen := results{Outcomes: map[string]outcome{}, Took: r.Took}
	for _, test := range tests {
		o, ok := r.Outcomes[test]
		if !ok {
			return results{}, fmt.Errorf("%w: %s", errNotRun, test)
		}
		chosen.Outcomes[test] = o
	}
	return chosen, nil
}

// ginkgoReport is the part that matters of one suite in a Ginkgo JSON report.
type ginkgoReport struct {
	RunTime                    time.Duration // ns
	PreRunStats                struct{ SpecsThatWillRun int }
	SpecialSuiteFailureReasons []string // that it was interrupted, or had no time left
	SpecReports                []ginkgoSpec
}

type ginkgoSpec struct {
	ContainerHierarchyTexts []string
	LeafNodeType            string
	LeafNodeText            string
	State                   string
	RunTime                 time.Duration // ns
	Failure                 struct{ Message string }
}

// readReport reads a Ginkgo JSON report. Tests that were filtered out (benchmarks, or by -focus) are
// not in the results. A report without any other test proves nothing and is an error, as is one of a
// suite that ended early: the tests it did not get to look like those that were filtered out.
func readReport(r io.Reader) (results, error) {
	var suites []ginkgoReport
	if err := json.NewDecoder(r).Decode(&suites); err != nil {
		return results{}, fmt.Errorf("critest's report: %w", err)
	}
	all := results{Outcomes: map[string]outcome{}}
	planned := 0
	for _, suite := range suites {
		all.Took += suite.RunTime
		planned += suite.PreRunStats.SpecsThatWillRun
		for _, spec := range suite.SpecReports {
			if err := all.add(spec); err != nil {
				return results{}, fmt.Errorf("critest's report: %w", err)
			}
		}
		if reasons := suite.SpecialSuiteFailureReasons; len(reasons) > 0 {
			return results{}, fmt.Errorf("%w: %s", errEndedEarly, strings.Join(reasons, ", "))
		}
	}
	switch ran := len(all.Outcomes); {
	case ran == 0:
		return results{}, errNoTest
	case ran != planned:
		return results{}, fmt.Errorf("%w: after %d of %d tests", errEndedEarly, ran, planned)
	}
	return all, nil
}

func (r *results) add(spec ginkgoSpec) error {
	failed := spec.State != "passed" && spec.State != "skipped"
	switch {
	case spec.LeafNodeType != "It" && failed:
		return fmt.Errorf("%s %s: %s", spec.LeafNodeType, spec.State, firstLine(spec.Failure.Message))
	case spec.LeafNodeType != "It", filteredOut(spec):
		return nil
	}
	name := strings.Join(append(slices.Clone(spec.ContainerHierarchyTexts), spec.LeafNodeText), " ")
	for first, n := name, 2; ; n++ {
		if _, taken := r.Outcomes[name]; !taken {
			break
		}
		name = fmt.Sprintf("%s (%d)", first, n)
	}
	r.Outcomes[name] = outcome{State: spec.State, Message: spec.Failure.Message}
	return nil
}

// filteredOut tells tests that were never meant to run from those that ran and skipped themselves.
func filteredOut(spec ginkgoSpec) bool {
	return spec.State == "skipped" && spec.RunTime == 0 && spec.Failure.Message == ""
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
