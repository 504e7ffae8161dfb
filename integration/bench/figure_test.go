package main

import "testing"

func TestAFigureFallsShortWhereTheBetterEndDoes(t *testing.T) {
	for _, c := range []struct {
		lo, value, hi float64
		goal          *goal
		missed        bool
	}{
		{0.5, 0.9, 1.5, atMost(1, 0.5), false},
		{0.9, 1.2, 1.5, atMost(1, 0.5), false},
		{1, 1.2, 1.5, atMost(1, 0.5), false},
		{1.1, 1.2, 1.5, atMost(1, 0.5), true},
		{0, 0, 0, atMost(0, 0), false},
		{1, 1, 1, atMost(0, 0), true},
		{1.4, 1.5, 1.6, &goal{Limit: 1.3, Aim: 1.6, AtLeast: true}, false},
		{1.1, 1.2, 1.3, &goal{Limit: 1.3, Aim: 1.6, AtLeast: true}, false},
		{1.1, 1.2, 1.25, &goal{Limit: 1.4, Aim: 1.6, AtLeast: true}, true},
		{9, 9, 9, nil, false},
	} {
		f := figure{"f", interval{c.value, c.lo, c.hi}, c.goal}
		if f.missed() != c.missed {
			t.Errorf("%v to %v, goal %v: missed is %t", c.lo, c.hi, c.goal, f.missed())
		}
	}
}

func TestVerdict(t *testing.T) {
	for want, f := range map[string]figure{
		"no goal":             {"f", interval{1, 1, 1}, nil},
		"MISSED":              {"f", interval{2, 1.5, 3}, atMost(1, 0.5)},
		"within the interval": {"f", interval{2, 0.5, 3}, atMost(1, 0.5)},
		"reached":             {"f", interval{1.5, 1.2, 3}, &goal{Limit: 1.3, Aim: 1.6, AtLeast: true}},
	} {
		if got := f.verdict(); got != want {
			t.Errorf("%+v: %s, want %s", f, got, want)
		}
	}
}

func TestResultLine(t *testing.T) {
	for want, f := range map[string]figure{
		"RESULT b x=0.05 goal=0.15 lo=0.03 hi=0.07 reached=true aim=0.1": {"x", interval{0.05, 0.03, 0.07}, atMost(0.15, 0.1)},
		"RESULT b x=1.1 goal=1.3 lo=1 hi=1.2 reached=false aim=1.6":      {"x", interval{1.1, 1, 1.2}, &goal{Limit: 1.3, Aim: 1.6, AtLeast: true}},
		"RESULT b x=2 goal=none lo=1 hi=3":                               {"x", interval{2, 1, 3}, nil},
	} {
		if got := f.result("b"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
