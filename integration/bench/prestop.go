package main

import (
	"context"

	"bookend.dev/bookend/integration/harness"
)

// prestop measures what an exec preStop adds to StopContainer, in units of the
// exec that the kubelet does for it.
func prestop(ctx context.Context, s *site, p plan) (*outcome, error) {
	return hookedStop{
		about: "what an exec preStop adds to StopContainer",
		with:  "StopContainer with preStop, bookend", hook: preStopExec, goal: preStopGoal(),
		app: hooked, ready: awaitHandler,
	}.measure(ctx, s, p)
}

// preStopGoal is that of an exec preStop: none on cgroup v2, which is seen in
// emulated machines alone, where no time is what it is elsewhere.
func preStopGoal() *goal {
	if unified() {
		return nil
	}
	return atMost(0.40, 0.1)
}

// hookedStop is a preStop whose cost is measured in units of ExecSync.
type hookedStop struct {
	about string
	with  string // name of its case
	hook  string
	goal  *goal
	app   func(lifecycle string) harness.ContainerOptions
	ready await
}

func (h hookedStop) measure(ctx context.Context, s *site, p plan) (*outcome, error) {
	const (
		without = "StopContainer without, bookend"
		exec    = "ExecSync, runc"
		stock   = "StopContainer without, runc"
		kubelet = "ExecSync, then StopContainer, runc"
	)
	pods, err := s.pods(ctx, harness.Bookend, harness.Bookend, harness.Runc)
	if err != nil {
		return nil, err
	}
	taken, err := interleave(ctx, p,
		stopStep(pods[0], h.app(h.hook), h.with, h.ready),
		stopStep(pods[1], h.app(""), without, h.ready),
		kubeletStop(pods[2], h.app(""), exec, stock, kubelet, h.ready),
	)
	if err != nil {
		return nil, err
	}
	o := &outcome{About: h.about, Base: exec}
	o.cases(taken, "ms")
	o.figure("hook_over_execsync", h.goal, taken, added(h.with, without, exec))
	o.figure("whole_stop_over_kubelets", nil, taken, ratio(h.with, kubelet))
	return o, removePods(ctx, pods)
}

// await waits until a container that was started can be stopped by its signal.
type await func(context.Context, *harness.Container) error

// stopStep times StopContainer of a new container in pod.
func stopStep(pod *harness.Pod, opts harness.ContainerOptions, name string, ready await) step {
	return func(ctx context.Context, record func(string, float64)) error {
		c, err := runReady(ctx, pod, opts, ready)
		if err != nil {
			return err
		}
		took, err := timed(func() error { return c.Stop(ctx, gracePeriod) })
		if err != nil {
			return err
		}
		record(name, took)
		return c.Remove(ctx)
	}
}

// kubeletStop times what the kubelet does where a container has a preStop, and
// each of its two calls.
func kubeletStop(pod *harness.Pod, opts harness.ContainerOptions, exec, stop, both string, ready await) step {
	return func(ctx context.Context, record func(string, float64)) error {
		c, err := runReady(ctx, pod, opts, ready)
		if err != nil {
			return err
		}
		running, err := timed(func() error { return execSync(ctx, c) })
		if err != nil {
			return err
		}
		stopping, err := timed(func() error { return c.Stop(ctx, gracePeriod) })
		if err != nil {
			return err
		}
		record(exec, running)
		record(stop, stopping)
		record(both, running+stopping)
		return c.Remove(ctx)
	}
}

func runReady(ctx context.Context, pod *harness.Pod, opts harness.ContainerOptions, ready await) (*harness.Container, error) {
	c, err := pod.RunContainer(ctx, opts)
	if err != nil {
		return nil, err
	}
	return c, ready(ctx, c)
}
