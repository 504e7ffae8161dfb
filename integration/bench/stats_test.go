package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{7}, 0.99, 7},
		{[]float64{10, 20}, 0.25, 12.5},
		{[]float64{10, 20}, 0, 10},
		{[]float64{10, 20}, 1, 20},
	} {
		if got := quantile(c.values, c.q); got != c.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", c.values, c.q, got, c.want)
		}
	}
	if !math.IsNaN(quantile(nil, 0.5)) {
		t.Error("a quantile of nothing is a number")
	}
}

func TestQuantileLeavesItsValuesAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	median(values)
	if values[0] != 3 || values[1] != 1 || values[2] != 2 {
		t.Errorf("values are now %v", values)
	}
}

func TestMean(t *testing.T) {
	if got := mean([]float64{1, 2, 6}); got != 3 {
		t.Errorf("mean = %v, want 3", got)
	}
}

// Of many intervals of samples of one distribution, about 95 % must hold its
// median, be the rounds as few as they may be.
func TestBootstrapIntervalsHoldTheTruthAsOftenAsTheySay(t *testing.T) {
	for _, n := range []int{minRounds, 30} {
		random := rand.New(rand.NewPCG(7, 7))
		const trials = 100
		held := 0
		for range trials {
			values := make([]float64, n)
			for i := range values {
				values[i] = 100 + 10*random.NormFloat64()
			}
			got := bootstrap(n, func(rounds []int) float64 {
				drawn := make([]float64, n)
				for i, r := range rounds {
					drawn[i] = values[r]
				}
				return median(drawn)
			})
			if got.Lo <= 100 && 100 <= got.Hi {
				held++
			}
		}
		if share := float64(held) / trials; share < 0.90 || share > 0.99 {
			t.Errorf("%d rounds: %.1f %% of the intervals hold the median, want about 95 %%", n, 100*share)
		}
	}
}

func TestBootstrapValueIsThatOfAllRoundsOnce(t *testing.T) {
	values := []float64{1, 10, 100, 1000}
	sum := func(rounds []int) float64 {
		s := 0.0
		for _, r := range rounds {
			s += values[r]
		}
		return s
	}
	if got := bootstrap(len(values), sum); got.Value != 1111 || got.Lo >= 1111 || got.Hi <= 1111 {
		t.Errorf("%+v, want 1111 and an interval around it", got)
	}
	if a, b := bootstrap(4, sum), bootstrap(4, sum); a != b {
		t.Errorf("twice the same gives %+v and %+v", a, b)
	}
}

func TestBootstrapOfOneRoundKnowsNothing(t *testing.T) {
	got := bootstrap(1, func([]int) float64 { return 5 })
	if got.Value != 5 || got.Lo > -1e300 || got.Hi < 1e300 {
		t.Errorf("%+v", got)
	}
}
