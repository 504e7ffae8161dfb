package main

import (
	"context"

	"bookend.dev/bookend/integration/harness"
)

// podRate runs many pods without hooks, each with a container, and then stops and
// removes all of them, by several clients at once, with either shim in turn: A B B A.
// How many of a node's pods there are is part of what each of them costs.
func podRate(ctx context.Context, s *site, p plan) (*outcome, error) {
	const ours, stock = "pods up and down, bookend", "pods up and down, runc"
	few, many := p.sizes()
	order := []struct{ handler, name string }{{harness.Bookend, ours}, {harness.Runc, stock}}
	for _, side := range order { // warms up
		if _, err := s.upAndDown(ctx, side.handler, few); err != nil {
			return nil, err
		}
	}
	rates := newSamples()
	for n := 0; p.more(n); n++ {
		for _, side := range order {
			took, err := s.upAndDown(ctx, side.handler, many)
			if err != nil {
				return nil, err
			}
			rates.add(side.name, float64(many)*1000/took)
		}
		order[0], order[1] = order[1], order[0]
	}
	o := &outcome{About: "many pods without hooks run, stopped and removed, by 8 clients", Base: stock}
	o.cases(rates, "per s")
	o.figure("pods_per_second_over_stock", &goal{Limit: 1.2, Aim: 1.5, AtLeast: true}, rates, ratio(ours, stock))
	return o, nil
}

// upAndDown runs n pods, and ends them once all are there. It returns how long both
// took, in milliseconds.
func (s *site) upAndDown(ctx context.Context, handler string, n int) (float64, error) {
	f := &fleet{site: s, handler: handler}
	return timed(func() error {
		if err := f.resize(ctx, n); err != nil {
			return err
		}
		if _, err := f.start(ctx, f.all(), "", nil); err != nil {
			return err
		}
		err := each(ctx, f.all(), clients, func(ctx context.Context, i int) error {
			if err := awaitHandler(ctx, f.containers[i]); err != nil {
				return err
			}
			return f.containers[i].Stop(ctx, drainGracePeriod)
		})
		if err != nil {
			return err
		}
		if err := f.clear(ctx, f.all()); err != nil {
			return err
		}
		return f.resize(ctx, 0)
	})
}
