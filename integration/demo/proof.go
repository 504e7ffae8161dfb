package main

import (
	"fmt"
	"strings"

	"bookend.dev/bookend/integration/testmatrix/outcome"
)

// proof lists what was expected, and whether it was observed.
type proof struct {
	lines    []string
	failed   int
	outcomes []outcome.Outcome // the same for programs
}

// expect notes that what was observed, unless err says why not.
func (p *proof) expect(what string, err error) {
	if err == nil {
		p.lines = append(p.lines, "ok      "+what)
		p.outcomes = append(p.outcomes, outcome.Outcome{Test: what, State: outcome.Passed})
		return
	}
	p.lines = append(p.lines, fmt.Sprintf("FAILED  %s: %v", what, err))
	p.outcomes = append(p.outcomes, outcome.Outcome{Test: what, State: outcome.Failed, Reason: err.Error()})
	p.failed++
}

func (p *proof) String() string {
	return "Observed:\n  " + strings.Join(p.lines, "\n  ") + "\n"
}

// err counts what is missing.
func (p *proof) err() error {
	if p.failed > 0 {
		return fmt.Errorf("%d of %d expected things were not observed", p.failed, len(p.lines))
	}
	return nil
}
