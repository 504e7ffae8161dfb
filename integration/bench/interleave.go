package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// plan bounds how long a benchmark measures.
type plan struct {
	quick  bool
	budget time.Duration // of all its rounds
	rounds int           // at least, whatever the budget
}

// step is one case of a round. What it measures it hands to record, under the
// same names in every round.
type step func(ctx context.Context, record func(name string, value float64)) error

// interleave measures steps in turn, A B A B, until the plan's budget is spent:
// whatever the machine does meanwhile, it does to all of them. Their order
// within a round changes from round to round, since what one leaves to be done
// in the background is charged to the next. The first round warms up and does
// not count.
func interleave(ctx context.Context, p plan, steps ...step) (*samples, error) {
	s := newSamples()
	discard := func(string, float64) {}
	for _, step := range steps {
		if err := step(ctx, discard); err != nil {
			return nil, fmt.Errorf("warm up: %w", err)
		}
	}
	random := rand.New(rand.NewPCG(1, uint64(len(steps))))
	for began, round := time.Now(), 0; round < p.rounds || time.Since(began) < p.budget; round++ {
		taken := make([]*samples, len(steps))
		for _, i := range random.Perm(len(steps)) {
			taken[i] = newSamples()
			if err := steps[i](ctx, taken[i].add); err != nil {
				return nil, fmt.Errorf("round %d: %w", round+1, err)
			}
		}
		for _, t := range taken { // in the steps' order, which is the table's
			for _, name := range t.cases {
				s.add(name, t.byCase[name][0])
			}
		}
	}
	return s, nil
}

// timed returns how long do took, in milliseconds.
func timed(do func() error) (float64, error) {
	began := time.Now()
	err := do()
	return milliseconds(time.Since(began)), err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
