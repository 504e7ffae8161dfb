package main

import (
	"encoding/json"
	"fmt"
	"io"
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

// results are the outcomes of one run by the tests' full names.
type results struct {
	Outcomes map[string]outcome
	Took     time.Duration
}

// count tells how many tests passed, were skipped, and ended any other way.
func (r results) count() (passed, failed, skipped int) {
	for _, o := range r.Outcomes {
		switch o.State {
		case "passed":
			passed++
		case "skipped":
			skipped++
		default:
			failed++
		}
	}
	return passed, failed, skipped
}

// ginkgoReport is the part that matters of one suite in a Ginkgo JSON report.
type ginkgoReport struct {
	RunTime     time.Duration // ns
	SpecReports []ginkgoSpec
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
// not in the results; a report without any other test is an error, since it proves nothing.
func readReport(r io.Reader) (results, error) {
	var suites []ginkgoReport
	if err := json.NewDecoder(r).Decode(&suites); err != nil {
		return results{}, fmt.Errorf("critest's report: %w", err)
	}
	all := results{Outcomes: map[string]outcome{}}
	for _, suite := range suites {
		all.Took += suite.RunTime
		for _, spec := range suite.SpecReports {
			if err := all.add(spec); err != nil {
				return results{}, fmt.Errorf("critest's report: %w", err)
			}
		}
	}
	if len(all.Outcomes) == 0 {
		return results{}, errNoTest
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
