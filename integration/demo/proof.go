package main

import (
	"errors"
	"fmt"
	"io"
)

// proof lists what was expected, and whether it was observed.
type proof struct {
	lines []string
	errs  []error
}

// expect notes that what was observed, unless err says why not.
func (p *proof) expect(what string, err error) {
	if err == nil {
		p.lines = append(p.lines, "ok      "+what)
		return
	}
	p.lines = append(p.lines, fmt.Sprintf("FAILED  %s: %v", what, err))
	p.errs = append(p.errs, fmt.Errorf("not observed: %s: %w", what, err))
}

// render prints the list and returns what is missing.
func (p *proof) render(out io.Writer) error {
	fmt.Fprintln(out, "\nObserved:")
	for _, line := range p.lines {
		fmt.Fprintln(out, " ", line)
	}
	return errors.Join(p.errs...)
}
