package main

import (
	"context"

	"bookend.dev/bookend/integration/harness"
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

// fleetSide is one of the two ways that fleets are measured. What is measured is
// the name of a case.
type fleetSide struct {
	*fleet
	lifecycle           string
	started, stopping   await // what the kubelet does after a start and before a stop; nil: nothing
	rate, middle, p99   string
	costFew, costMany   string
	rates, costs, stops *samples
}

// fleets starts containers in many pods, by several clients at once, and stops
// them, all at once. They have an exec postStart and an exec preStop, or else
// the kubelet runs the same.
func fleets(ctx context.Context, s *site, p plan) ([]*outcome, error) {
	rates, costs, stops := newSamples(), newSamples(), newSamples()
	ours := &fleetSide{
		fleet: &fleet{site: s, handler: harness.Bookend}, lifecycle: bothExec,
		rate: "containers ready, bookend", middle: "median of the stops, bookend", p99: "p99 of the stops, bookend",
		costFew: "per container beside few pods, bookend", costMany: "per container beside many pods, bookend",
		rates: rates, costs: costs, stops: stops,
	}
	kubelet := &fleetSide{
		fleet: &fleet{site: s, handler: harness.Runc}, started: execSync, stopping: execSync,
		rate: "containers ready, kubelet's way", middle: "median of the stops, kubelet's way", p99: "p99 of the stops, kubelet's way",
		costFew: "per container without hooks beside few pods, runc", costMany: "per container without hooks beside many pods, runc",
		rates: rates, costs: costs, stops: stops,
	}
	if err := measureFleets(ctx, p, ours, kubelet); err != nil {
		return nil, err
	}
	scale := &outcome{About: "containers with an exec postStart in many pods, by 8 clients"}
	scale.cases(rates, "per s")
	scale.cases(costs, "ms")
	scale.Rounds = rates.rounds()
	scale.figure("containers_per_second_over_kubelets", &goal{Limit: 1.3, Aim: 1.6, AtLeast: true}, rates, ratio(ours.rate, kubelet.rate))
	scale.figure("cost_at_many_over_few", nil, costs, ratio(ours.costMany, ours.costFew))
	scale.figure("stock_cost_at_many_over_few", nil, costs, ratio(kubelet.costMany, kubelet.costFew))
	scale.Notes = []string{"The cost beside many pods is that of a start of some containers in pods without, while all others of the same shim have theirs."}
	drain := &outcome{About: "many pods with an exec preStop stopped at once"}
	drain.cases(stops, "ms")
	drain.figure("p99_over_kubelets", atMost(0.7, 0.6), stops, ratio(ours.p99, kubelet.p99))
	return []*outcome{scale, drain}, nil
}

// measureFleets measures the sides in turn, A B B A: beside few pods, then in
// rounds beside many, then beside few again. What changes with time is in all.
func measureFleets(ctx context.Context, p plan, a, b *fleetSide) error {
	few, many := p.sizes()
	order := []*fleetSide{a, b}
	turn := func(do func(*fleetSide) error) error {
		for _, side := range order {
			if err := do(side); err != nil {
				return err
			}
		}
		order[0], order[1] = order[1], order[0]
		return nil
	}
	resize := func(n int) func() error {
		return func() error { return turn(func(f *fleetSide) error { return f.resize(ctx, n) }) }
	}
	besideFew := func() error {
		for range fewBatches {
			if err := turn(func(f *fleetSide) error { return f.batch(ctx, few, f.costFew) }); err != nil {
				return err
			}
		}
		return nil
	}
	rounds := func() error {
		for n := 0; p.more(n); n++ {
			if err := turn(func(f *fleetSide) error { return f.round(ctx, few) }); err != nil {
				return err
			}
		}
		return nil
	}
	for _, phase := range []func() error{resize(few), besideFew, resize(many), rounds, resize(few), besideFew, resize(0)} {
		if err := phase(); err != nil {
			return err
		}
	}
	return nil
}

const (
	fewBatches  = 4 // before the rounds, and as many after them
	manyBatches = 2 // in each round
)

// round measures the start of all containers, that of a few while the others
// are there, and the stop of all.
func (f *fleetSide) round(ctx context.Context, few int) error {
	took, err := f.start(ctx, f.all(), f.lifecycle, f.started)
	if err != nil {
		return err
	}
	f.rates.add(f.rate, float64(len(f.pods))/took.Seconds())
	for range manyBatches {
		if err := f.clear(ctx, f.last(few)); err != nil {
			return err
		}
		if err := f.batch(ctx, few, f.costMany); err != nil {
			return err
		}
		if _, err := f.start(ctx, f.last(few), f.lifecycle, nil); err != nil {
			return err
		}
	}
	if err := each(ctx, f.all(), clients, func(ctx context.Context, i int) error { return awaitHandler(ctx, f.containers[i]) }); err != nil {
		return err
	}
	stops, err := f.drain(ctx, f.stopping)
	if err != nil {
		return err
	}
	f.stops.add(f.middle, median(stops))
	f.stops.add(f.p99, quantile(stops, 0.99))
	return f.clear(ctx, f.all())
}

// batch measures what the start of a container costs, of a few in the last pods,
// which have none before and after.
func (f *fleetSide) batch(ctx context.Context, few int, name string) error {
	took, err := f.start(ctx, f.last(few), f.lifecycle, nil)
	if err != nil {
		return err
	}
	f.costs.add(name, milliseconds(took)/float64(few))
	return f.clear(ctx, f.last(few))
}
