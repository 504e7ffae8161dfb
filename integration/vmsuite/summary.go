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
		fmt.Fprintf(&b, "%s, tests and their parts: %d run, %d passed, %d failed, %d skipped\n", k.path,
			count["pass"]+count["fail"]+count["skip"]+count[""], count["pass"], count["fail"], count["skip"])
	}
	for _, l := range p.leftOut {
		fmt.Fprintf(&b, "  left out: %s\n", l)
	}
	for _, t := range r.results {
		switch t.action {
		case "skip":
			fmt.Fprintf(&b, "  skipped: %s: %s\n", t.test, t.reason())
		case "fail":
			fmt.Fprintf(&b, "  failed: %s\n", t.test)
		case "":
			fmt.Fprintf(&b, "  did not end: %s\n%s", t.test, strings.Join(t.output, ""))
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
		if status, ended := r.statuses[k.path]; !ended {
			return fmt.Errorf("package %s did not end", k.path)
		} else if status != 0 {
			return fmt.Errorf("package %s: status %d\n%s", k.path, status, strings.Join(r.problems, ""))
		}
	}
	// A package's status tells nothing of a guest before, which fell silent.
	for _, t := range r.results {
		if t.action == "fail" {
			return fmt.Errorf("test %s failed", t.test)
		}
	}
	switch {
	case !r.done:
		return errCutOff
	case len(r.results) == 0:
		return errors.New("no test ran")
	}
	return nil
}
