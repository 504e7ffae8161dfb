package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"bookend.dev/bookend/integration/harness"
)

// sleepsPerPod is how many containers of a pod sleep.
const sleepsPerPod = 10

const (
	sleepPods, quickSleepPods = 25, 5
	sleepSeconds              = 600 // longer than the benchmark
	preStopSleep              = `{"preStop":{"sleep":{"seconds":600}}}`
)

// sleepers counts what preStop sleeps cost that are under way all at once.
func sleepers(ctx context.Context, s *site, p plan) (*outcome, error) {
	n := sleepPods
	if p.quick {
		n = quickSleepPods
	}
	f := &fleet{site: s, handler: harness.Bookend}
	if err := f.resize(ctx, n); err != nil {
		return nil, err
	}
	containers, err := f.crowd(ctx, sleepsPerPod, preStopSleep)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, settleTime); err != nil {
		return nil, err
	}
	before, err := s.consumptionOf(ctx, containers)
	if err != nil {
		return nil, err
	}
	stops, err := s.fallAsleep(ctx, containers)
	if err != nil {
		return nil, err
	}
	after, err := s.consumptionOf(ctx, containers)
	if err != nil {
		return nil, err
	}
	if err := f.wake(ctx, stops); err != nil {
		return nil, err
	}
	return extra(before, after, n*sleepsPerPod), f.resize(ctx, 0)
}

// crowd runs several containers in each pod, and returns them by pod.
func (f *fleet) crowd(ctx context.Context, perPod int, lifecycle string) ([][]*harness.Container, error) {
	crowds := make([][]*harness.Container, len(f.pods))
	err := each(ctx, f.all(), clients, func(ctx context.Context, i int) error {
		for j := range perPod {
			name := fmt.Sprintf("%s-%d", containerName, j)
			opts := harness.ContainerOptions{Name: name, Command: []string{"sleep", "1000000"}}
			if lifecycle != "" {
				opts.Annotations = map[string]string{harness.LifecyclePrefix + name: lifecycle}
			}
			c, err := f.pods[i].RunContainer(ctx, opts)
			if err != nil {
				return err
			}
			crowds[i] = append(crowds[i], c)
		}
		return nil
	})
	return crowds, err
}

// fallAsleep stops all containers and returns once all their hooks have
// started. The stops go on.
func (s *site) fallAsleep(ctx context.Context, crowds [][]*harness.Container) (*errgroup.Group, error) {
	events, err := s.Events(ctx)
	if err != nil {
		return nil, err
	}
	defer events.Close()
	stops, want := &errgroup.Group{}, 0
	for _, crowd := range crowds {
		for _, c := range crowd {
			want++
			stops.Go(func() error { return c.Stop(ctx, 2*sleepSeconds*time.Second) })
		}
	}
	return stops, poll(ctx, fmt.Sprintf("%d sleeps to start", want), func() (bool, error) {
		n := 0
		for _, e := range events.All() {
			if h, ok := e.Hook(); ok && h.Verb == "start" {
				n++
			}
		}
		return n >= want, nil
	})
}

// wake kills the containers, which ends the stops.
func (f *fleet) wake(ctx context.Context, stops *errgroup.Group) error {
	err := each(ctx, f.all(), clients, func(ctx context.Context, i int) error { return f.pods[i].Stop(ctx) })
	return errors.Join(err, stops.Wait())
}

// consumption is what the pods have.
type consumption struct {
	processes int       // with containerd's
	memory    []float64 // of each pod's shim, in KiB
}

func (s *site) consumptionOf(ctx context.Context, crowds [][]*harness.Container) (c consumption, err error) {
	if c.processes, err = descendants(s.PID()); err != nil {
		return c, err
	}
	for _, crowd := range crowds {
		shim, err := shimOf(ctx, crowd[0])
		if err != nil {
			return c, err
		}
		n, err := descendants(shim)
		if err != nil {
			return c, err
		}
		w, err := weighShim(shim)
		if err != nil {
			return c, err
		}
		c.processes, c.memory = c.processes+n, append(c.memory, w.dirty+w.files)
	}
	return c, nil
}

// extra is what so many sleeps have cost. A node pays the mean, not the median.
func extra(before, after consumption, sleeps int) *outcome {
	const perSleep = "memory per sleep, in the mean of a pod, bookend"
	taken := newSamples()
	for i, kib := range after.memory {
		taken.add(perSleep, (kib-before.memory[i])/sleepsPerPod)
	}
	o := &outcome{About: "many preStop sleeps at once", Notes: []string{fmt.Sprintf("%d sleeps over %d pods; each pod counts as a round.", sleeps, len(after.memory))}}
	o.cases(taken, "KiB")
	processes := float64(after.processes - before.processes)
	o.Figures = append(o.Figures, figure{"extra_processes", interval{processes, processes, processes}, atMost(0, 0)})
	o.figure("extra_KiB_per_sleep", atMost(16, 16), taken, func(get func(string) []float64) float64 { return mean(get(perSleep)) })
	return o
}
