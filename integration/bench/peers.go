package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"

	"bookend.dev/bookend/integration"
)

// peers are the other ways to run a command in a container that is there
// already. Each has a step of its own.
type peers struct {
	container *integration.Container // of the stock shim
	crun      *crunContainer         // nil: not here
	steps     []step
	notes     []string // what was left out
}

func (s *site) newPeers(ctx context.Context, pod *integration.Pod) (*peers, error) {
	c, err := pod.RunContainer(ctx, hooked(""))
	if err != nil {
		return nil, err
	}
	pid, err := c.PID(ctx)
	if err != nil {
		return nil, err
	}
	p := &peers{container: c}
	runc := filepath.Join(s.Binaries().Tools, "runc")
	p.add("runc exec", runc, "--root", filepath.Join(runcRoot, integration.CRINamespace), "exec", c.ID, hookCommand)
	if nsenter, found := p.find("nsenter"); found {
		p.add("nsenter -a", nsenter, "-a", "-t", strconv.Itoa(pid), hookCommand)
	}
	if program, found := p.find("crun"); found {
		if p.crun, err = s.newCrunContainer(ctx, program); err != nil {
			return nil, err
		}
		p.steps = append(p.steps, timedStep("crun exec, its own container", func(ctx context.Context) error {
			return p.crun.exec(ctx, hookCommand)
		}))
	}
	return p, nil
}

// find looks a program up on PATH. Where it is not, a note says so.
func (p *peers) find(name string) (path string, found bool) {
	path, err := exec.LookPath(name)
	if err != nil {
		p.notes = append(p.notes, name+" is left out: it is not on PATH.")
	}
	return path, err == nil
}

// runcRoot is where the shims keep runc's state, by namespace.
const runcRoot = "/run/containerd/runc"

// add adds the time of a whole command, its start included.
func (p *peers) add(name, program string, args ...string) {
	p.steps = append(p.steps, timedStep(name, func(ctx context.Context) error {
		return run(ctx, program, args...)
	}))
}

func run(ctx context.Context, program string, args ...string) error {
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w: %s", program, args, err, out)
	}
	return nil
}

func (p *peers) remove(ctx context.Context) error {
	if p.crun != nil {
		if err := p.crun.remove(ctx); err != nil {
			return err
		}
	}
	return p.container.Remove(ctx)
}
