package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// summary is what a run prints last.
func (r *report) summary(p plan, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, kernel of %s, %v\n", r.settings.init, r.settings.kernel, took.Round(time.Second))
	for _, k := range p.packages {
		count := map[string]int{}
		for _, t := range r.results {
			if t.pkg == k.path {
				count[t.action]++
			}
		}
		fmt.Fprintf(&b, "%-24s %d run, %d passed, %d failed, %d skipped\n", k.path,
			count["pass"]+count["fail"]+count["skip"], count["pass"], count["fail"], count["skip"])
		if k.omitted != "" {
			fmt.Fprintf(&b, "  left out: %s: %s\n", k.skip, k.omitted)
		}
	}
	for _, t := range r.results {
		if t.action == "skip" {
			fmt.Fprintf(&b, "  skipped: %s: %s\n", t.test, t.reason())
		}
	}
	for _, t := range r.results {
		if t.action == "fail" {
			fmt.Fprintf(&b, "  failed: %s\n", t.test)
		}
	}
	return b.String()
}

// reason is what a test that was skipped said.
func (t *result) reason() string {
	var lines []string
	for _, line := range t.output {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

// verdict is an error unless all of the plan ran and passed.
func (r *report) verdict(p plan) error {
	switch {
	case r.refused != "":
		return fmt.Errorf("the guest is not what it should be: %s", r.refused)
	case len(r.facts) == 0:
		return errors.New("the guest did not boot")
	}
	for _, k := range p.packages {
		status, ended := r.statuses[k.path]
		if !ended {
			return fmt.Errorf("package %s did not end", k.path)
		}
		if status != 0 {
			return fmt.Errorf("package %s: status %d\n%s", k.path, status, strings.Join(r.problems, ""))
		}
	}
	if !r.done {
		return errors.New("the guest ended before its plan did")
	}
	if len(r.results) == 0 {
		return errors.New("no test ran")
	}
	return nil
}
