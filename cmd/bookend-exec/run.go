package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/opencontainers/runc/libcontainer"

	"bookend.dev/bookend/runtime/wire"
)

var (
	errStopped = errors.New("the container has stopped")
	errPaused  = errors.New("the container is paused")
)

// run carries req out and returns its last status line. started is called
// with the pid of the hook's first process once that is about to become the
// command. The process writes to stdout and stderr itself: nothing is copied
// here, so waiting for it never means waiting for its children's output.
func run(req wire.Request, stdout, stderr *os.File, started func(pid int)) wire.Status {
	container, err := libcontainer.Load(req.Root, req.ID)
	if err != nil {
		return failed(container, fmt.Errorf("load container %s: %w", req.ID, err))
	}
	var g *gate
	if req.Gated {
		if g, err = newGate(container, os.NewFile(wire.GateFD, "gate")); err != nil {
			return failed(container, fmt.Errorf("container %s: %w", req.ID, err))
		}
	}
	pid, wait, err := start(container, req, g, stdout, stderr)
	if err != nil {
		return failed(container, fmt.Errorf("container %s: %w", req.ID, err))
	}
	// The shim must see the end of the output when the hook's processes have
	// closed it.
	stdout.Close()
	stderr.Close()
	started(pid)
	neverRan := awaitEnd(pid)
	exit, err := wait()
	if err != nil {
		return failed(container, fmt.Errorf("container %s: wait for hook: %w", req.ID, err))
	}
	exit.NeverRan = neverRan
	if g != nil {
		if err := g.refused(); err != nil {
			return failed(nil, fmt.Errorf("container %s: %w", req.ID, err))
		}
	}
	return wire.Status{Exit: &exit}
}

// start starts the hook's first process, which waits at the gate g if there is
// one, and returns its pid and what reaps it.
func start(container *libcontainer.Container, req wire.Request, g *gate, stdout, stderr *os.File) (int, func() (wire.Exit, error), error) {
	if err := joinable(container); err != nil {
		return 0, nil, err
	}
	spec, err := loadProcess(req.Bundle)
	if err != nil {
		return 0, nil, err
	}
	process, err := newProcess(spec, req)
	if err != nil {
		return 0, nil, err
	}
	if err := giveToRoot(container, stdout, stderr); err != nil {
		return 0, nil, err
	}
	process.Stdout, process.Stderr = stdout, stderr
	if g != nil {
		defer g.leave()
		g.put(process)
	}
	if err := container.Run(process); err != nil {
		return 0, nil, err
	}
	pid, err := process.Pid()
	if err != nil {
		return 0, nil, err
	}
	return pid, func() (wire.Exit, error) { return reap(process) }, nil
}

// joinable tells whether a process can be started in the container now, which
// libcontainer itself does not ask: in a paused one it would hang, frozen.
func joinable(container *libcontainer.Container) error {
	status, err := container.Status()
	switch {
	case err != nil:
		return err
	case status == libcontainer.Stopped:
		return errStopped
	case status == libcontainer.Paused:
		return errPaused
	}
	return nil
}

// giveToRoot makes the container's root the owner of the pipes: in a user
// namespace the hook could not open its own /dev/stdout otherwise.
func giveToRoot(container *libcontainer.Container, files ...*os.File) error {
	config := container.Config()
	uid, err := config.HostRootUID()
	if err != nil {
		return err
	}
	gid, err := config.HostRootGID()
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := f.Chown(uid, gid); err != nil {
			return err
		}
	}
	return nil
}

// reap waits for the process. An exit status other than 0 is no error.
func reap(process *libcontainer.Process) (wire.Exit, error) {
	state, err := process.Wait()
	if state == nil {
		return wire.Exit{}, err
	}
	ws, ok := state.Sys().(syscall.WaitStatus)
	if !ok {
		return wire.Exit{}, fmt.Errorf("unexpected wait status %T", state.Sys())
	}
	if ws.Signaled() {
		return wire.Exit{Signal: int(ws.Signal())}, nil
	}
	return wire.Exit{Code: ws.ExitStatus()}, nil
}
