package main

import (
	"context"

	"bookend.dev/bookend/integration"
)

// cpu compares the CPU time of all processes for one postStart with that for
// the kubelet's exec. What a call leaves to be done in the background counts,
// so whole lives of containers are measured, and compared with those of
// containers without a hook.
func cpu(ctx context.Context, s *site, p plan) (*outcome, error) {
	const (
		with        = "container with postStart, bookend"
		without     = "container without, bookend"
		withExec    = "container with ExecSync, runc"
		withoutExec = "container without, runc"
	)
	pods, err := s.pods(ctx, integration.Bookend, integration.Bookend, integration.Runc, integration.Runc)
	if err != nil {
		return nil, err
	}
	nothing := func(context.Context, *integration.Container) error { return nil }
	taken, err := interleave(ctx, p,
		s.account.step(with, pods[0], postStartExec, nothing),
		s.account.step(without, pods[1], "", nothing),
		s.account.step(withExec, pods[2], "", execSync),
		s.account.step(withoutExec, pods[3], "", nothing),
	)
	if err != nil {
		return nil, err
	}
	o := &outcome{}
	o.cases(taken, "ms")
	o.Notes = []string{"CPU time of containerd, the shims, all that these run, and the containers, from CreateContainer to RemoveContainer."}
	o.figure("hook_over_execsync", atMost(0.8), taken, addedOverAdded(with, without, withExec, withoutExec))
	return o, removePods(ctx, pods)
}

// step measures the CPU time of a container's life.
func (a *account) step(name string, pod *integration.Pod, lifecycle string, inside await) step {
	return func(ctx context.Context, record func(string, float64)) error {
		before, err := a.used()
		if err != nil {
			return err
		}
		c, err := runReady(ctx, pod, hooked(lifecycle), inside)
		if err != nil {
			return err
		}
		if err := c.Remove(ctx); err != nil {
			return err
		}
		after, err := a.used()
		record(name, milliseconds(after-before))
		return err
	}
}
