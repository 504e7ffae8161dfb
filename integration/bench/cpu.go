package main

import (
	"context"
	"os/exec"
	"strconv"

	"bookend.dev/bookend/integration/harness"
)

// hooksPerLife is how many hooks, or calls of ExecSync, there are in the life
// of a container whose CPU time is measured.
const hooksPerLife = 2

// cpu compares the CPU time of all processes for one exec hook with that for
// the kubelet's exec. What a call leaves to be done in the background counts,
// so whole lives of containers are measured, and compared with those of
// containers without.
func cpu(ctx context.Context, s *site, p plan) (*outcome, error) {
	const (
		with        = "container with both hooks, bookend"
		without     = "container without, bookend"
		withExec    = "container with two ExecSync, runc"
		withoutExec = "container without, runc"
		hook        = "hook, bookend"
		kubelet     = "ExecSync, runc"
	)
	pods, err := s.pods(ctx, harness.Bookend, harness.Bookend, harness.Runc, harness.Runc, harness.Runc)
	if err != nil {
		return nil, err
	}
	programs, err := s.newOwnTimes(ctx, pods[4])
	if err != nil {
		return nil, err
	}
	nothing := func(context.Context, *harness.Container) error { return nil }
	steps := append([]step{
		s.account.step(with, pods[0], bothExec, nothing),
		s.account.step(without, pods[1], "", nothing),
		s.account.step(withExec, pods[2], "", execSync),
		s.account.step(withoutExec, pods[3], "", nothing),
	}, programs.steps...)
	taken, err := interleave(ctx, p, steps...)
	if err != nil {
		return nil, err
	}
	taken.derive(hook, with, without, hooksPerLife)
	taken.derive(kubelet, withExec, withoutExec, hooksPerLife)
	o := &outcome{About: "CPU time for one exec hook", Base: kubelet, Notes: append([]string{
		"CPU time of containerd, the shims, all that these run, and the containers, from CreateContainer to RemoveContainer, " +
			"by StopContainer. A hook, or an ExecSync, is half of what a container with two of them has more, round by round. " +
			"Of the programs it is their own, with that of the command.",
	}, programs.notes...)}
	o.cases(taken, "ms")
	o.figure("hook_over_execsync", atMost(0.25, 0.15), taken, ratio(hook, kubelet))
	if taken.has(ownNsenter) {
		o.figure("nsenter_over_execsync", nil, taken, ratio(ownNsenter, kubelet))
		o.figure("hook_over_nsenter", nil, taken, ratio(hook, ownNsenter))
	}
	if err := programs.container.Remove(ctx); err != nil {
		return nil, err
	}
	return o, removePods(ctx, pods)
}

// step measures the CPU time of a container's life, with a call once it runs
// and another before it is stopped.
func (a *account) step(name string, pod *harness.Pod, lifecycle string, call await) step {
	return func(ctx context.Context, record func(string, float64)) error {
		before, err := a.used()
		if err != nil {
			return err
		}
		c, err := runReady(ctx, pod, hooked(lifecycle), call)
		if err != nil {
			return err
		}
		for _, do := range []await{awaitHandler, call, stop} {
			if err := do(ctx, c); err != nil {
				return err
			}
		}
		if err := c.Remove(ctx); err != nil {
			return err
		}
		after, err := a.used()
		record(name, milliseconds(after-before))
		return err
	}
}

func stop(ctx context.Context, c *harness.Container) error { return c.Stop(ctx, gracePeriod) }

// ownTimes are programs that run a command in a container, each with a step
// for the CPU time of its own and of all that it has waited for.
type ownTimes struct{ peers }

const (
	ownNsenter = "nsenter -a"
	ownRunc    = "runc exec"
	ownCommand = hookCommand + " alone, on the host"
)

func (s *site) newOwnTimes(ctx context.Context, pod *harness.Pod) (*ownTimes, error) {
	c, err := pod.RunContainer(ctx, hooked(""))
	if err != nil {
		return nil, err
	}
	pid, err := c.PID(ctx)
	if err != nil {
		return nil, err
	}
	o := &ownTimes{peers{container: c}}
	if nsenter, found := o.find("nsenter"); found {
		o.add(ownNsenter, nsenter, "-a", "-t", strconv.Itoa(pid), hookCommand)
	}
	program, args := s.runcExec(c)
	o.add(ownRunc, program, args...)
	o.add(ownCommand, hookCommand)
	return o, nil
}

// add adds the CPU time of a whole command.
func (o *ownTimes) add(name, program string, args ...string) {
	o.steps = append(o.steps, func(ctx context.Context, record func(string, float64)) error {
		cmd := exec.CommandContext(ctx, program, args...)
		if err := runCommand(cmd); err != nil {
			return err
		}
		record(name, milliseconds(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()))
		return nil
	})
}
