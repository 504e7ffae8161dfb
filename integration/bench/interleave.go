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
	began  time.Time
	budget time.Duration // with its pods, and all else it needs
	rounds int           // at least, whatever the budget
}

// more tells whether there is time for another round after so many: one like
// those, which have borne all that has been done so far.
func (p plan) more(done int) bool {
	if done < p.rounds {
		return true
	}
	spent := time.Since(p.began)
	return p.budget-spent >= spent/time.Duration(done)
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
	for round := 0; p.more(round); round++ {
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
