package main

import "slices"

// samples are the measurements of several cases, taken round by round: the i-th
// of each case are of one round, and so saw the same state of the machine.
type samples struct {
	cases  []string // in the order of their first sample
	byCase map[string][]float64
}

func newSamples() *samples { return &samples{byCase: map[string][]float64{}} }

func (s *samples) add(name string, value float64) {
	if _, known := s.byCase[name]; !known {
		s.cases = append(s.cases, name)
	}
	s.byCase[name] = append(s.byCase[name], value)
}

// part is the samples of some cases.
func (s *samples) part(of func(name string) bool) *samples {
	p := newSamples()
	for _, name := range s.cases {
		if of(name) {
			p.cases, p.byCase[name] = append(p.cases, name), s.byCase[name]
		}
	}
	return p
}

func (s *samples) has(name string) bool { return len(s.byCase[name]) > 0 }

// derive adds a case: what one has more than another in the same round, as a
// share of so many.
func (s *samples) derive(name, of, over string, share float64) {
	for i, value := range s.byCase[of] {
		s.add(name, (value-s.byCase[over][i])/share)
	}
}

// rounds is how many rounds have a sample of every case.
func (s *samples) rounds() int {
	if len(s.cases) == 0 {
		return 0
	}
	n := len(s.byCase[s.cases[0]])
	for _, name := range s.cases {
		n = min(n, len(s.byCase[name]))
	}
	return n
}

// statistic computes a figure from the samples of cases.
type statistic func(of func(name string) []float64) float64

// estimate computes stat. Rounds are drawn as a whole, since what slows one case
// down slows down its neighbours in time.
func (s *samples) estimate(stat statistic) interval {
	return bootstrap(s.rounds(), func(rounds []int) float64 {
		return stat(func(name string) []float64 {
			all := s.byCase[name]
			drawn := make([]float64, len(rounds))
			for i, r := range rounds {
				drawn[i] = all[r]
			}
			return drawn
		})
	})
}

// ratio is the median of one case over that of another.
func ratio(of, over string) statistic {
	return func(get func(string) []float64) float64 { return median(get(of)) / median(get(over)) }
}

// added is what with has more than without, in units of per: all by medians.
func added(with, without, per string) statistic {
	return func(get func(string) []float64) float64 {
		return (median(get(with)) - median(get(without))) / median(get(per))
	}
}

// summarize describes the cases, in their order.
func (s *samples) summarize(unit string) []summary {
	var all []summary
	for _, name := range s.cases {
		values := s.byCase[name]
		all = append(all, summary{
			Case: name, Unit: unit, Samples: slices.Clone(values),
			Median: s.estimateOwn(name), P90: quantile(values, 0.9),
		})
	}
	return all
}

func (s *samples) estimateOwn(name string) interval {
	return s.estimate(func(get func(string) []float64) float64 { return median(get(name)) })
}

// summary describes the samples of one case.
type summary struct {
	Case    string    `json:"case"`
	Unit    string    `json:"unit"`
	Median  interval  `json:"median"`
	P90     float64   `json:"p90"`
	Samples []float64 `json:"samples"`
}
