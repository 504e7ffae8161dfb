package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/exeseal"
)

// How gate.c is called: its path is that of the first of its descriptors.
const (
	gatePath = "/proc/self/fd/3"
	gateName = "bookend-gate"
)

// Below these limits a container is not staged: what makes a gate, a Go program
// with its threads, would for a moment stand beside the parked init, which is
// one as well, and could take what that needs to go on.
const (
	roomyPids   = 64
	roomyMemory = 64 << 20 // bytes
)

// gate is the way a hook's process waits inside its container until it may
// become its command: see gate.c.
type gate struct {
	exe    *os.File // its program, sealed
	pipe   *os.File // opened by one byte, given up by the end of the file
	report *os.File // what the gate has said, to be read when it has ended
	tell   *os.File // the gate's end of report
}

// newGate makes a gate that pipe opens.
func newGate(container *libcontainer.Container, pipe *os.File) (*gate, error) {
	if err := roomForGate(container); err != nil {
		return nil, err
	}
	exe, err := sealed(gateProgram())
	if err != nil {
		return nil, err
	}
	report, tell, err := os.Pipe()
	if err != nil {
		exe.Close()
		return nil, err
	}
	return &gate{exe: exe, pipe: pipe, report: report, tell: tell}, nil
}

// sealed puts the program where nobody can write to it. It takes nothing but
// memory for a place: a file would be the host's, and to be lost.
func sealed(program []byte) (*os.File, error) {
	if program == nil {
		return nil, errNoGate
	}
	exe, err := exeseal.CloneBinary(bytes.NewReader(program), int64(len(program)), gateName, "/")
	if err != nil {
		return nil, err
	}
	if !exeseal.IsCloned(exe) {
		exe.Close()
		return nil, errNoMemfd
	}
	return exe, nil
}

func roomForGate(container *libcontainer.Container) error {
	config := container.Config()
	// A listener of the container's would be sent two notifiers for one hook.
	if config.Seccomp != nil && config.Seccomp.ListenerPath != "" {
		return errListener
	}
	if config.Cgroups == nil || config.Cgroups.Resources == nil {
		return nil
	}
	r := config.Cgroups.Resources
	if r.PidsLimit != nil && *r.PidsLimit > 0 && *r.PidsLimit < roomyPids {
		return fmt.Errorf("%w: %d processes", errTight, *r.PidsLimit)
	}
	if r.Memory > 0 && r.Memory < roomyMemory {
		return fmt.Errorf("%w: %d bytes of memory", errTight, r.Memory)
	}
	return nil
}

// put makes the process one that waits at the gate.
func (g *gate) put(p *libcontainer.Process) {
	p.Args = append([]string{gatePath, gateName}, p.Args...)
	p.ExtraFiles = []*os.File{g.exe, g.pipe, g.tell}
}

// leave closes what is the gate's alone, once it has been started or not.
func (g *gate) leave() {
	g.exe.Close()
	g.pipe.Close()
	g.tell.Close()
}

// refused tells, of a process that has ended, why it never became its command.
// The gate's end of the pipe is closed by execve(2), or by its exit.
func (g *gate) refused() error {
	var said [2]byte
	n, err := g.report.Read(said[:])
	g.report.Close()
	switch {
	case n == 0:
		return fmt.Errorf("%w: it did not come up (%w)", errGate, err)
	case said[n-1] != 0:
		return fmt.Errorf("%w: %w", errGate, syscall.Errno(said[n-1]))
	}
	return nil
}

var (
	errGate     = errors.New("the gate could not become the command")
	errNoGate   = errors.New("there is no gate for this machine")
	errNoMemfd  = errors.New("no sealed memory can be had for the gate")
	errTight    = errors.New("the container's limits leave no room for a gate")
	errListener = errors.New("the container's seccomp profile has a listener")
)
