package main

import (
	"math/rand/v2"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(c.of); got != c.want {
			t.Errorf("median of %v is %v", c.of, got)
		}
	}
}

// What a round does to both does not widen the interval.
func TestRatioComparesRounds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var a, b []float64
	for i := range 25 {
		a, b = append(a, 2*float64(10+i)), append(b, float64(10+i))
	}
	f := ratio(random, a, b)
	if f.value != 2 || f.lo != 2 || f.hi != 2 {
		t.Errorf("got %+v", f)
	}
	b[0], a[0] = 1000, 1
	if f = ratio(random, a, b); f.lo > f.value || f.hi < f.value || f.lo == f.hi {
		t.Errorf("got %+v", f)
	}
}
