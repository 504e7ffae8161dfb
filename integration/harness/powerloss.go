package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// LosePower ends containerd, its shims and its containers in one moment, in which none
// of them sees another end. What they have on disk and in memory stays, as after a
// crash of all that was no reboot; [Daemon.Relaunch] starts containerd again.
func (d *Daemon) LosePower(ctx context.Context) error {
	if err := d.holdStill(ctx); err != nil {
		return err
	}
	return errors.Join(killProcesses(ctx, d.Dir), d.Kill(ctx))
}

// holdStill stops all processes with SIGSTOP, until there is none that is not.
func (d *Daemon) holdStill(ctx context.Context) error {
	return Poll(ctx, EndTimeout, "processes to stop", func() error {
		procs, err := d.Processes()
		if err != nil {
			return Permanent(err)
		}
		var running error
		for _, p := range procs {
			if p.State != 'T' && p.State != 'Z' {
				_ = syscall.Kill(p.PID, syscall.SIGSTOP)
				running = errors.New(p.String())
			}
		}
		return running
	})
}

// Reboot is [Daemon.LosePower], after which everything is gone that a node has in
// memory: containerd's state, that of runtimes, sockets, mounts, network namespaces
// and cgroups. containerd does not run yet.
func (d *Daemon) Reboot(ctx context.Context) error {
	if err := d.LosePower(ctx); err != nil {
		return err
	}
	states, err := runcStates(d.Dir)
	if err != nil {
		return err
	}
	volatile := []string{d.Path("state"), d.Address(), d.Address() + ".ttrpc"}
	bundles, err := filepath.Glob(d.Bundle("*", "*"))
	if err != nil {
		return err
	}
	for _, bundle := range bundles {
		socket, err := d.ShimSocket(filepath.Base(filepath.Dir(bundle)), filepath.Base(bundle))
		if err != nil {
			return err
		}
		volatile = append(volatile, socket)
	}
	steps := []error{unmountBelow(d.Path("state")), removeCgroups(ctx, d.Cgroup())}
	for _, path := range append(volatile, states...) {
		steps = append(steps, os.RemoveAll(path))
	}
	if err := errors.Join(steps...); err != nil {
		return fmt.Errorf("forget what a reboot forgets: %w", err)
	}
	return nil
}
