package main

import (
	"context"
	"strings"

	"bookend.dev/bookend/integration/harness"
)

// stockPod is the base of both outcomes: the name of a case of podcpu.
const stockPod = "pod without hooks, " + harness.Runc

// nohook compares what pods without hooks cost with either shim, and those with exec
// hooks with pods that have none on the stock shim: how long their calls take, and the
// CPU time of their lives.
func nohook(ctx context.Context, s *site, p plan) ([]*outcome, error) {
	const hooks = ", " + harness.Bookend + " with exec hooks"
	pod := func(lifecycle, handler, called, life string) step {
		return func(ctx context.Context, record func(string, float64)) error {
			before, err := s.account.used()
			if err != nil {
				return err
			}
			err = s.wholePod(ctx, lifecycle, handler, func(call string, took float64) { record(call+called, took) })
			if err != nil {
				return err
			}
			after, err := s.account.used()
			record(life, milliseconds(after-before))
			return err
		}
	}
	taken, err := interleave(ctx, p,
		pod("", harness.Bookend, ", "+harness.Bookend, "pod without hooks, "+harness.Bookend),
		pod("", harness.Runc, ", "+harness.Runc, stockPod),
		pod(bothExec, harness.Bookend, hooks, "pod with exec hooks, "+harness.Bookend))
	if err != nil {
		return nil, err
	}
	lives := taken.part(func(name string) bool { return strings.HasPrefix(name, "pod ") })
	calls := taken.part(func(name string) bool { return !strings.HasPrefix(name, "pod ") })
	walls := &outcome{About: "calls of the life of a pod, with either shim"}
	walls.cases(calls, "ms")
	for _, f := range []struct {
		name, call string
		must       *goal
		with       string
	}{
		{"RunPodSandbox_over_stock", "RunPodSandbox", atMost(1.03, 1), ", " + harness.Bookend},
		{"StartContainer_over_stock", "StartContainer", atMost(0.85, 0.78), ", " + harness.Bookend},
		{"StopContainer_over_stock", "StopContainer", atMost(0.75, 0.6), ", " + harness.Bookend},
		{"StartContainer_with_postStart_over_stock_without", "StartContainer", atMost(0.9, 0.85), hooks},
		{"StopContainer_with_preStop_over_stock_without", "StopContainer", atMost(1, 0.8), hooks},
	} {
		walls.figure(f.name, f.must, calls, ratio(f.call+f.with, f.call+", "+harness.Runc))
	}
	cpu := &outcome{About: "CPU time of all processes in the life of a pod", Base: stockPod, Notes: []string{
		"CPU time of containerd, the shim, all that these run, and the containers, from RunPodSandbox to RemovePodSandbox.",
	}}
	cpu.cases(lives, "ms")
	cpu.figure("no_hooks_over_stock", atMost(0.82, 0.7), lives, ratio("pod without hooks, "+harness.Bookend, stockPod))
	cpu.figure("exec_hooks_over_stock_without", nil, lives, ratio("pod with exec hooks, "+harness.Bookend, stockPod))
	return []*outcome{walls, cpu}, nil
}

// wholePod times the calls of one pod's life.
func (s *site) wholePod(ctx context.Context, lifecycle, handler string, record func(string, float64)) error {
	var pod *harness.Pod
	var c *harness.Container
	for _, call := range []struct {
		name string // "": not timed
		do   func() error
	}{
		{"RunPodSandbox", func() (err error) {
			pod, err = s.CRI.RunPod(ctx, harness.PodOptions{Handler: handler})
			return err
		}},
		{"", func() (err error) { c, err = pod.CreateContainer(ctx, hooked(lifecycle)); return err }},
		{"StartContainer", func() error { return c.Start(ctx) }},
		{"", func() error { return awaitHandler(ctx, c) }},
		{"StopContainer", func() error { return c.Stop(ctx, gracePeriod) }},
		{"", func() error { return pod.Remove(ctx) }},
	} {
		took, err := timed(call.do)
		if err != nil {
			return err
		}
		if call.name != "" {
			record(call.name, took)
		}
	}
	return nil
}
