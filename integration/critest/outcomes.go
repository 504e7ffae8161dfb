package main

import (
	"maps"
	"slices"

	testoutcome "bookend.dev/bookend/integration/testmatrix/outcome"
)

// outcomes are what the verdict makes of each test with our shim, by name.
func (v verdict) outcomes() []testoutcome.Outcome {
	var all []testoutcome.Outcome
	ours := v.Runs[0].Outcomes
	for _, test := range slices.Sorted(maps.Keys(ours)) {
		o := testoutcome.Outcome{Test: test, State: testoutcome.Failed, Reason: head(ours[test].Message, messageLines)}
		switch {
		case ours[test].State == "passed", slices.Contains(v.Flaky, test):
			o.State, o.Reason = testoutcome.Passed, ""
		case slices.Contains(v.Both, test) && ours[test].State == "skipped":
			o.State = testoutcome.Skipped
		case slices.Contains(v.Both, test):
			o.Reason = "with the stock shim too: " + o.Reason
		default:
			o.Reason = "with " + v.Runs[0].Handler + " alone: " + o.Reason
		}
		all = append(all, o)
	}
	return all
}
