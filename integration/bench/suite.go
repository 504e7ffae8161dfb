package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// benchmark is one of the things measured.
type benchmark struct {
	name, about string
	seconds     int // budget of the rounds
	quick       int // the same, for the short form
	run         func(ctx context.Context, s *site, p plan) (*outcome, error)
}

// minRounds is how many rounds there are at least, even on a slow machine: the
// least and the greatest of five have the median between them in 94 of 100 cases.
const minRounds = 5

// suite is all benchmarks, in the order in which they run.
func suite() []benchmark {
	return []benchmark{
		{"nohook", "pods without hooks, with either shim", 60, 5, nohook},
		{"poststart", "what an exec postStart adds to StartContainer, and other ways to run " + hookCommand, 75, 5, poststart},
		{"prestop", "what an exec preStop adds to StopContainer", 50, 4, prestop},
		{"http", "what an httpGet preStop adds to StopContainer", 45, 4, httpGet},
		{"cpu", "CPU time for one postStart", 50, 4, cpu},
		{"memory", "private memory of the shim of a pod", 30, 0, memory},
		{"scale", "containers with an exec postStart in many pods, by 8 clients", 90, 0, scale},
		{"drain", "many pods with an exec preStop stopped at once", 90, 0, drain},
		{"sleepers", "many preStop sleeps at once", 0, 0, sleepers},
	}
}

// pick returns the benchmarks called name; "": all.
func pick(name string) ([]benchmark, error) {
	all := suite()
	if name == "" {
		return all, nil
	}
	var names []string
	for _, b := range all {
		names = append(names, b.name)
	}
	i := slices.Index(names, name)
	if i < 0 {
		return nil, fmt.Errorf("no benchmark %q: there are %s", name, strings.Join(names, ", "))
	}
	return all[i : i+1], nil
}

func (b benchmark) plan(quick bool) plan {
	p := plan{quick: quick, budget: time.Duration(b.seconds) * time.Second, rounds: minRounds}
	if quick {
		p.budget = time.Duration(b.quick) * time.Second
	}
	return p
}

// measure runs the benchmark and sees to it that nothing of it is left.
func (b benchmark) measure(ctx context.Context, s *site, quick bool) (*outcome, error) {
	before, err := s.Inventory()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	o, err := b.run(ctx, s, b.plan(quick))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.name, err)
	}
	o.Name, o.About, o.Quick, o.Seconds = b.name, b.about, quick, time.Since(began).Seconds()
	if err := s.CheckLeaks(ctx, before); err != nil {
		return nil, fmt.Errorf("%s: %w", b.name, err)
	}
	return o, nil
}
