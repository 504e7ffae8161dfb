package main

import (
	"context"

	"bookend.dev/bookend/integration/harness"
)

// poststart measures what an exec postStart adds to StartContainer, in units of
// the exec that the kubelet does for it, and the other ways to run a command in
// a container.
func poststart(ctx context.Context, s *site, p plan) (*outcome, error) {
	pods, err := s.pods(ctx, harness.Bookend, harness.Bookend, harness.Runc, harness.Runc)
	if err != nil {
		return nil, err
	}
	const (
		with    = "StartContainer with postStart, bookend"
		without = "StartContainer without, bookend"
		stock   = "StartContainer without, runc"
		kubelet = "StartContainer, then ExecSync, runc"
		exec    = "ExecSync, runc"
	)
	others, err := s.newPeers(ctx, pods[3])
	if err != nil {
		return nil, err
	}
	steps := append([]step{
		startStep(pods[0], postStartExec, with),
		startStep(pods[1], "", without),
		kubeletStart(pods[2], stock, kubelet),
		timedStep(exec, func(ctx context.Context) error { return execSync(ctx, others.container) }),
	}, others.steps...)
	taken, err := interleave(ctx, p, steps...)
	if err != nil {
		return nil, err
	}
	if err := others.remove(ctx); err != nil {
		return nil, err
	}
	o := &outcome{About: "what an exec postStart adds to StartContainer, and other ways to run " + hookCommand, Base: exec, Notes: others.notes}
	o.cases(taken, "ms")
	o.figure("hook_over_execsync", atMost(0.12, 0.05), taken, added(with, without, exec))
	o.figure("whole_start_over_kubelets", nil, taken, ratio(with, kubelet))
	return o, removePods(ctx, pods)
}

// timedStep is a case that is one timed call.
func timedStep(name string, do func(context.Context) error) step {
	return func(ctx context.Context, record func(string, float64)) error {
		took, err := timed(func() error { return do(ctx) })
		record(name, took)
		return err
	}
}

// startStep times StartContainer of a new container in pod.
func startStep(pod *harness.Pod, lifecycle, name string) step {
	return func(ctx context.Context, record func(string, float64)) error {
		c, err := pod.CreateContainer(ctx, hooked(lifecycle))
		if err != nil {
			return err
		}
		took, err := timed(func() error { return c.Start(ctx) })
		if err != nil {
			return err
		}
		record(name, took)
		return c.Remove(ctx)
	}
}

// kubeletStart times what the kubelet does where a container has a postStart;
// its first call alone is a case of its own.
func kubeletStart(pod *harness.Pod, start, both string) step {
	return func(ctx context.Context, record func(string, float64)) error {
		c, err := pod.CreateContainer(ctx, hooked(""))
		if err != nil {
			return err
		}
		starting, err := timed(func() error { return c.Start(ctx) })
		if err != nil {
			return err
		}
		running, err := timed(func() error { return execSync(ctx, c) })
		if err != nil {
			return err
		}
		record(start, starting)
		record(both, starting+running)
		return c.Remove(ctx)
	}
}
