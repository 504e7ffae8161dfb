package main

import (
	"errors"
	"slices"
	"testing"

	"bookend.dev/bookend/integration/testmatrix/outcome"
)

func TestProof(t *testing.T) {
	var p proof
	p.expect("one", nil)
	if err := p.err(); err != nil {
		t.Errorf("all was observed, but: %v", err)
	}
	p.expect("two", errors.New("why"))
	if err := p.err(); err == nil || err.Error() != "1 of 2 expected things were not observed" {
		t.Errorf("one of two is missing, but: %v", err)
	}
	if want := "Observed:\n  ok      one\n  FAILED  two: why\n"; p.String() != want {
		t.Errorf("got %q, want %q", p.String(), want)
	}
	want := []outcome.Outcome{{Test: "one", State: outcome.Passed}, {Test: "two", State: outcome.Failed, Reason: "why"}}
	if !slices.Equal(p.outcomes, want) {
		t.Errorf("got %v, want %v", p.outcomes, want)
	}
}
