package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// benchmark is one of the things measured, or several that share their rounds.
type benchmark struct {
	names   []string // of its outcomes
	seconds int      // budget
	quick   int      // the same, for the short form
	rounds  int      // at least, even on a slow machine
	run     func(ctx context.Context, s *site, p plan) ([]*outcome, error)
}

// minRounds is how many rounds there are at least: the least and the greatest
// of five have the median between them in 94 of 100 cases. Where rounds are
// dear there are fewer: of three it is 75.
const (
	minRounds     = 5
	minDearRounds = 3
)

// suite is all benchmarks, in the order in which they run: what takes its time
// even on a slow machine first, and the others share what it leaves.
func suite() []benchmark {
	return []benchmark{
		{[]string{"scale", "drain"}, 180, 0, minDearRounds, fleets},
		{[]string{"pods"}, 75, 0, minDearRounds, one(podRate)},
		{[]string{"sleepers"}, 0, 0, minRounds, one(sleepers)},
		{[]string{"memory"}, 45, 0, minRounds, one(memory)},
		{[]string{"nohook", "podcpu"}, 75, 7, minRounds, nohook},
		{[]string{"poststart"}, 60, 5, minRounds, one(poststart)},
		{[]string{"prestop"}, 45, 4, minRounds, one(prestop)},
		{[]string{"http"}, 25, 4, minRounds, one(httpGet)},
		{[]string{"cpu"}, 60, 5, minRounds, one(cpu)},
		{[]string{"runtimes"}, 35, 4, minRounds, one(runtimes)},
	}
}

// one is a benchmark with one outcome.
func one(run func(context.Context, *site, plan) (*outcome, error)) func(context.Context, *site, plan) ([]*outcome, error) {
	return func(ctx context.Context, s *site, p plan) ([]*outcome, error) {
		o, err := run(ctx, s, p)
		return []*outcome{o}, err
	}
}

// pick returns the benchmarks with an outcome called name; "": all.
func pick(name string) ([]benchmark, error) {
	all := suite()
	if name == "" {
		return all, nil
	}
	var names []string
	for i, b := range all {
		if slices.Contains(b.names, name) {
			return all[i : i+1], nil
		}
		names = append(names, b.names...)
	}
	return nil, fmt.Errorf("no benchmark %q: there are %s", name, strings.Join(names, ", "))
}

// wholeTime is how long all benchmarks together may take, with their pods and
// what else is around their rounds. It leaves two minutes of the fifteen for
// what is around the benchmarks, and for a last round that takes longer than others.
const wholeTime = 13 * time.Minute

// planFirst is how long the first of the benchmarks that are left may take, where
// all of them have so much time.
func planFirst(left []benchmark, remaining time.Duration, quick bool) plan {
	b := left[0]
	p := plan{quick: quick, rounds: b.rounds, budget: time.Duration(b.quick) * time.Second}
	if quick {
		return p
	}
	wanted := 0
	for _, l := range left {
		wanted += l.seconds
	}
	p.budget = time.Duration(b.seconds) * time.Second
	if all := time.Duration(wanted) * time.Second; all > remaining {
		p.budget = max(0, time.Duration(float64(p.budget)*float64(remaining)/float64(all)))
	}
	return p
}

// measure runs the benchmark and sees to it that nothing of it is left.
func (b benchmark) measure(ctx context.Context, s *site, p plan) ([]*outcome, error) {
	before, err := s.Inventory()
	if err != nil {
		return nil, err
	}
	p.began = time.Now()
	outcomes, err := b.run(ctx, s, p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(b.names, ", "), err)
	}
	for i, o := range outcomes {
		o.Name, o.Quick, o.Seconds = b.names[i], p.quick, time.Since(p.began).Seconds()
		if !p.quick && o.Rounds < minRounds {
			o.Notes = append(o.Notes, fmt.Sprintf("Of %d rounds the interval is no more than what was seen: rounds are dear on this machine.", o.Rounds))
		}
	}
	if err := s.CheckLeaks(ctx, before); err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(b.names, ", "), err)
	}
	return outcomes, nil
}
