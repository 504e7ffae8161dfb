package main

import (
	"context"
	"time"

	"bookend.dev/bookend/integration"
)

// drain stops the containers of many pods at once, each of which has an exec
// preStop.
func drain(ctx context.Context, s *site, p plan) (*outcome, error) {
	const (
		ours    = "p99 of the stops, bookend"
		kubelet = "p99 of the stops, kubelet's way"
	)
	kinds := []struct {
		fleet           *fleet
		lifecycle       string
		first           await // of a stop
		middle, highest string
	}{
		{&fleet{site: s, handler: integration.Bookend}, preStopExec, nil, "median of the stops, bookend", ours},
		{&fleet{site: s, handler: integration.Runc}, "", execSync, "median of the stops, kubelet's way", kubelet},
	}
	_, many := p.sizes()
	for _, k := range kinds {
		if err := k.fleet.resize(ctx, many); err != nil {
			return nil, err
		}
	}
	taken := newSamples()
	for began := time.Now(); taken.rounds() < p.rounds || time.Since(began) < p.budget; {
		for _, k := range kinds {
			if _, err := k.fleet.start(ctx, k.fleet.all(), k.lifecycle, awaitHandler); err != nil {
				return nil, err
			}
			took, err := k.fleet.drain(ctx, k.first)
			if err != nil {
				return nil, err
			}
			taken.add(k.middle, median(took))
			taken.add(k.highest, quantile(took, 0.99))
			if err := k.fleet.clear(ctx, k.fleet.all()); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range kinds {
		if err := k.fleet.resize(ctx, 0); err != nil {
			return nil, err
		}
	}
	o := &outcome{}
	o.cases(taken, "ms")
	o.figure("p99_over_kubelets", atMost(0.6), taken, ratio(ours, kubelet))
	return o, nil
}
