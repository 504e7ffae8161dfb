package main

import (
	"math/rand/v2"
	"slices"
)

// figure is a number with its 95 % interval.
type figure struct{ value, lo, hi float64 }

func median(samples []float64) float64 {
	s := slices.Sorted(slices.Values(samples))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// ratio is that of the medians of a and b, which have a sample for each round.
func ratio(random *rand.Rand, a, b []float64) figure {
	const draws = 2000
	ratios := make([]float64, draws)
	x, y := make([]float64, len(a)), make([]float64, len(b))
	for i := range ratios {
		for j := range x {
			round := random.IntN(len(a))
			x[j], y[j] = a[round], b[round]
		}
		ratios[i] = median(x) / median(y)
	}
	slices.Sort(ratios)
	return figure{median(a) / median(b), ratios[draws*25/1000], ratios[draws*975/1000]}
}
