package main

import (
	"context"
	"time"

	"bookend.dev/bookend/integration"
)

// Sizes of the fleets: of many pods, and of few, beside which the cost per
// container must not grow.
const (
	manyPods, fewPods           = 100, 10
	quickManyPods, quickFewPods = 12, 4
)

func (p plan) sizes() (few, many int) {
	if p.quick {
		return quickFewPods, quickManyPods
	}
	return fewPods, manyPods
}

// scale starts containers with an exec postStart in many pods, by several
// clients at once.
func scale(ctx context.Context, s *site, p plan) (*outcome, error) {
	few, many := p.sizes()
	ours := &fleet{site: s, handler: integration.Bookend}
	stock := &fleet{site: s, handler: integration.Runc}
	costs, batches := newSamples(), max(p.rounds, few)
	// A B B A: what changes with time is in both.
	if err := ours.resize(ctx, few); err != nil {
		return nil, err
	}
	if err := ours.batches(ctx, batches/2, few, costs.adder(costFew)); err != nil {
		return nil, err
	}
	if err := ours.costOfMany(ctx, batches/2*2, few, many, costs.adder(costMany)); err != nil {
		return nil, err
	}
	rates, err := ours.race(ctx, stock, p)
	if err != nil {
		return nil, err
	}
	if err := ours.resize(ctx, few); err != nil {
		return nil, err
	}
	if err := ours.batches(ctx, batches/2, few, costs.adder(costFew)); err != nil {
		return nil, err
	}
	o := &outcome{}
	o.cases(rates, "per s")
	o.cases(costs, "ms")
	o.figure("containers_per_second_over_kubelets", &goal{Limit: 1.3, AtLeast: true}, rates, ratio(rateOurs, rateKubelet))
	o.figure("cost_at_many_over_few", atMost(1.15), costs, ratio(costMany, costFew))
	return o, ours.resize(ctx, 0)
}

const (
	rateOurs    = "containers ready, bookend"
	rateKubelet = "containers ready, kubelet's way"
	costFew     = "per container beside few pods, bookend"
	costMany    = "per container beside many pods, bookend"
)

// race starts a container in each of many pods, with either handler in turn.
// stock is gone afterwards.
func (f *fleet) race(ctx context.Context, stock *fleet, p plan) (*samples, error) {
	rates := newSamples()
	if err := stock.resize(ctx, len(f.pods)); err != nil {
		return nil, err
	}
	rate := func(f *fleet, name, lifecycle string, then await) error {
		took, err := f.start(ctx, f.all(), lifecycle, then)
		if err != nil {
			return err
		}
		rates.add(name, float64(len(f.pods))/took.Seconds())
		return f.clear(ctx, f.all())
	}
	for began := time.Now(); rates.rounds() < p.rounds || time.Since(began) < p.budget; {
		if err := rate(f, rateOurs, postStartExec, nil); err != nil {
			return nil, err
		}
		if err := rate(stock, rateKubelet, "", execSync); err != nil {
			return nil, err
		}
	}
	return rates, stock.resize(ctx, 0)
}

// batches starts a container in each of the last pods, n times, and hands the
// milliseconds per container to record.
func (f *fleet) batches(ctx context.Context, n, pods int, record func(float64)) error {
	last := span{len(f.pods) - pods, len(f.pods)}
	for range n {
		took, err := f.start(ctx, last, postStartExec, nil)
		if err != nil {
			return err
		}
		record(milliseconds(took) / float64(pods))
		if err := f.clear(ctx, last); err != nil {
			return err
		}
	}
	return nil
}

// costOfMany does batches while all other pods have containers too.
func (f *fleet) costOfMany(ctx context.Context, n, batch, many int, record func(float64)) error {
	if err := f.resize(ctx, many); err != nil {
		return err
	}
	others := span{0, many - batch}
	if _, err := f.start(ctx, others, postStartExec, nil); err != nil {
		return err
	}
	if err := f.batches(ctx, n, batch, record); err != nil {
		return err
	}
	return f.clear(ctx, others)
}
