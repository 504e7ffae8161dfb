package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

// median is the middle of values, the mean of the two middle ones where their
// number is even; NaN where there are none.
func median(values []float64) float64 { return quantile(values, 0.5) }

// mean is the mean of values; NaN where there are none.
func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// quantile returns what a share q (0 to 1) of values lies below, between two
// values in proportion; NaN where there are none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// interval is an estimate and the bounds of its 95 % confidence interval.
type interval struct {
	Value float64 `json:"value"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
}

const (
	resamples  = 2000
	confidence = 0.95
)

// bootstrap estimates a statistic of n rounds. It draws n rounds with
// replacement many times over: stat gets the drawn rounds' indices, and first
// all of them once each, for the value itself. The same n and stat give the
// same interval. Of fewer rounds than minRounds it says less than it claims.
func bootstrap(n int, stat func(rounds []int) float64) interval {
	rounds := make([]int, n)
	for i := range rounds {
		rounds[i] = i
	}
	value := stat(rounds)
	if n < 2 { // nothing is known of the spread, and JSON has no infinity
		return interval{value, -math.MaxFloat64, math.MaxFloat64}
	}
	random := rand.New(rand.NewPCG(1, uint64(n)))
	estimates := make([]float64, resamples)
	for i := range estimates {
		for j := range rounds {
			rounds[j] = random.IntN(n)
		}
		estimates[i] = stat(rounds)
	}
	const tail = (1 - confidence) / 2
	return interval{value, quantile(estimates, tail), quantile(estimates, 1-tail)}
}
