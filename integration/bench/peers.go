package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"

	"bookend.dev/bookend/integration/harness"
)

// peers are the other ways to run a command in a container that is there
// already. Each has a step of its own.
type peers struct {
	container *harness.Container // of the stock shim
	crun      *bundled           // nil: not here
	steps     []step
	notes     []string // what was left out
}

func (s *site) newPeers(ctx context.Context, pod *harness.Pod) (*peers, error) {
	c, err := pod.RunContainer(ctx, hooked(""))
	if err != nil {
		return nil, err
	}
	pid, err := c.PID(ctx)
	if err != nil {
		return nil, err
	}
	p := &peers{container: c}
	runc, args := s.runcExec(c)
	p.add("runc exec", runc, args...)
	if nsenter, found := p.find("nsenter"); found {
		p.add("nsenter -a", nsenter, "-a", "-t", strconv.Itoa(pid), hookCommand)
	}
	if program, found := p.find("crun"); found {
		if p.crun, err = s.newBundled(ctx, program, nil); err != nil {
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

// runcExec is the command that runs a hook's in a container of the stock shim.
func (s *site) runcExec(c *harness.Container) (program string, args []string) {
	root := filepath.Join(runcRoot, harness.CRINamespace)
	return filepath.Join(s.Binaries().Tools, "runc"), []string{"--root", root, "exec", c.ID, hookCommand}
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
	return runCommand(exec.CommandContext(ctx, program, args...))
}

func runCommand(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", cmd.Args, err, out)
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
