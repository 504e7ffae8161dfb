package main

import (
	"slices"
	"testing"
)

func sampled(cases map[string][]float64, order ...string) *samples {
	s := newSamples()
	for _, name := range order {
		for _, v := range cases[name] {
			s.add(name, v)
		}
	}
	return s
}

func TestSamplesKeepTheOrderOfTheirCases(t *testing.T) {
	s := sampled(map[string][]float64{"b": {1, 2}, "a": {3, 4, 5}}, "b", "a")
	if !slices.Equal(s.cases, []string{"b", "a"}) {
		t.Errorf("cases %v", s.cases)
	}
	if s.rounds() != 2 {
		t.Errorf("%d rounds, want those that all cases have: 2", s.rounds())
	}
	if newSamples().rounds() != 0 {
		t.Error("rounds of nothing")
	}
}

func TestFiguresAreOfMedians(t *testing.T) {
	s := sampled(map[string][]float64{
		"with": {9, 14, 100}, "without": {10, 10, 2}, "unit": {8, 8, 8}, "base": {6, 6, 6},
	}, "with", "without", "unit", "base")
	for name, c := range map[string]struct {
		stat statistic
		want float64
	}{
		"ratio": {ratio("with", "without"), 1.4},
		"added": {added("with", "without", "unit"), 0.5},
	} {
		if got := s.estimate(c.stat).Value; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestDerivedCasesAreOfOneRound(t *testing.T) {
	s := sampled(map[string][]float64{"with": {9, 14, 100}, "without": {1, 10, 80}}, "with", "without")
	s.derive("half", "with", "without", 2)
	if got := s.byCase["half"]; !slices.Equal(got, []float64{4, 2, 10}) || !s.has("half") || s.has("whole") {
		t.Errorf("%v", got)
	}
}

// A machine that is slow in some rounds is slow for both cases: drawn as whole
// rounds, their ratio is exact.
func TestRoundsAreDrawnAsAWhole(t *testing.T) {
	s := sampled(map[string][]float64{"a": {2, 20, 200, 2000, 4, 40}, "b": {1, 10, 100, 1000, 2, 20}}, "a", "b")
	if got := s.estimate(ratio("a", "b")); got != (interval{2, 2, 2}) {
		t.Errorf("%+v, want 2 without doubt", got)
	}
}

func TestSummary(t *testing.T) {
	s := sampled(map[string][]float64{"a": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}, "a")
	got := s.summarize("ms")
	if len(got) != 1 || got[0].Case != "a" || got[0].Unit != "ms" || got[0].Median.Value != 6 || got[0].P90 != 10 || len(got[0].Samples) != 11 {
		t.Errorf("%+v", got)
	}
}
