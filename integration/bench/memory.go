package main

import (
	"context"
	"fmt"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// settleTime is how long a pod is left alone before its memory is read.
const settleTime = time.Second

// memory compares the memory of the shims of fresh pods.
func memory(ctx context.Context, s *site, p plan) (*outcome, error) {
	const (
		plain = "pod without hooks, bookend"
		idle  = "pod with idle hooks, bookend"
		stock = "pod without hooks, runc"
	)
	kinds := []podKind{
		{plain, harness.Bookend, ""},
		{idle, harness.Bookend, bothExec},
		{stock, harness.Runc, ""},
	}
	// The pods of a round are there at the same time, and are read at the same age.
	taken, err := interleave(ctx, p, func(ctx context.Context, record func(string, float64)) error {
		return s.weigh(ctx, kinds, record)
	})
	if err != nil {
		return nil, err
	}
	o := &outcome{About: "memory of the shim of a pod", Base: stock, Notes: []string{
		"Private dirty memory of a pod's shim and its helpers, one container in the pod, with all of their files in memory (memfd) and 1 KiB " +
			"of the kernel's for each open descriptor. The idle hooks are an exec postStart that has run and an exec preStop.",
	}}
	o.cases(taken, "KiB")
	o.figure("no_hooks_over_stock", atMost(1, 0.95), taken, ratio(plain, stock))
	o.figure("idle_hooks_over_stock", atMost(1.06, 1), taken, ratio(idle, stock))
	return o, s.weighCrowds(ctx, p, o)
}

// weighCrowds adds what the shim of a pod with many containers has. It is one
// pod of each kind: no goal depends on it.
func (s *site) weighCrowds(ctx context.Context, p plan, o *outcome) error {
	n := crowdedPod
	if p.quick {
		n = quickCrowdedPod
	}
	var weights []float64
	for _, k := range []podKind{{"idle hooks", harness.Bookend, bothExec}, {"no hooks", harness.Runc, ""}} {
		f := &fleet{site: s, handler: k.handler}
		if err := f.resize(ctx, 1); err != nil {
			return err
		}
		crowds, err := f.crowd(ctx, n, k.lifecycle)
		if err != nil {
			return err
		}
		shim, err := shimOf(ctx, crowds[0][0])
		if err != nil {
			return err
		}
		if err := pause(ctx, settleTime); err != nil {
			return err
		}
		w, err := weighShim(shim)
		if err != nil {
			return err
		}
		weights = append(weights, w.total())
		o.Notes = append(o.Notes, fmt.Sprintf("A pod of %d containers with %s, %s: %.0f KiB, of which %.0f are files in memory; %d descriptors.",
			n, k.name, k.handler, w.total(), w.files, w.descriptors))
		if err := f.resize(ctx, 0); err != nil {
			return err
		}
	}
	over := weights[0] / weights[1]
	o.Figures = append(o.Figures, figure{fmt.Sprintf("idle_hooks_of_%d_containers_over_stock", n), interval{over, over, over}, nil})
	return nil
}

// crowdedPod is how many containers are in one pod.
const crowdedPod, quickCrowdedPod = 100, 10

// podKind is a pod with one container.
type podKind struct{ name, handler, lifecycle string }

// weigh runs a pod of each kind and records their shims' memory in KiB.
func (s *site) weigh(ctx context.Context, kinds []podKind, record func(string, float64)) error {
	var pods []*harness.Pod
	var shims []int
	for _, k := range kinds {
		pod, err := s.CRI.RunPod(ctx, harness.PodOptions{Handler: k.handler})
		if err != nil {
			return err
		}
		pods = append(pods, pod)
		c, err := pod.RunContainer(ctx, hooked(k.lifecycle))
		if err != nil {
			return err
		}
		shim, err := shimOf(ctx, c)
		if err != nil {
			return err
		}
		shims = append(shims, shim)
	}
	if err := pause(ctx, settleTime); err != nil {
		return err
	}
	for i, k := range kinds {
		w, err := weighShim(shims[i])
		if err != nil {
			return err
		}
		record(k.name, w.total())
	}
	return removePods(ctx, pods)
}

// shimOf returns the pid of the shim of a container that runs.
func shimOf(ctx context.Context, c *harness.Container) (int, error) {
	pid, err := c.PID(ctx)
	if err != nil {
		return 0, err
	}
	return parent(pid)
}

// pause lets time pass.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
