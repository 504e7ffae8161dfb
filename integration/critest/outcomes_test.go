package main

import (
	"slices"
	"testing"

	testoutcome "bookend.dev/bookend/integration/testmatrix/outcome"
)

func TestOutcomesOfAVerdict(t *testing.T) {
	want := []testoutcome.Outcome{
		{Test: "digest", State: testoutcome.Failed, Reason: "with the stock shim too: no image\n            at 10:01"},
		{Test: "exec", State: testoutcome.Failed, Reason: "with bookend alone: exit status 1\n            at 10:02"},
		{Test: "fine", State: testoutcome.Passed},
		{Test: "nri", State: testoutcome.Skipped, Reason: "no socket"},
		{Test: "nri 2", State: testoutcome.Skipped, Reason: "no socket"},
		{Test: "odd", State: testoutcome.Passed}, // when it was repeated
	}
	if got := sampleVerdict().outcomes(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// A test that is skipped with ours alone has failed.
func TestOutcomesOfATestThatOursAloneSkips(t *testing.T) {
	v := sampleVerdict()
	v.Both, v.OnlyOurs = nil, append(v.OnlyOurs, "nri")
	for _, o := range v.outcomes() {
		if o.Test == "nri" && o.State != testoutcome.Failed {
			t.Errorf("got %v", o)
		}
	}
}
