package main

import (
	"errors"
	"testing"
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
}
