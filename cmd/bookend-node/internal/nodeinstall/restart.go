package nodeinstall

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// Restarter is how containerd is restarted: the value of --restart.
type Restarter struct {
	way, what string
	// systemd restarts a unit by the node's bus.
	systemd func(ctx context.Context, bus, unit string) error
}

// The ways.
const (
	byUnit  = "systemd"
	byExec  = "exec"
	byHand  = "none"
	perNode = "auto"
)

// ParseRestart reads "systemd:UNIT", "exec:COMMAND", "none", or "auto": systemd, with
// the unit that runs containerd on the node.
func ParseRestart(s string) (Restarter, error) {
	way, what, hasWhat := strings.Cut(s, ":")
	r := Restarter{way: way, what: what, systemd: restartUnit}
	switch {
	case (way == byUnit || way == byExec) && what != "":
	case (way == byHand || way == perNode) && !hasWhat:
	default:
		return r, fmt.Errorf("%q: %w", s, errRestart)
	}
	return r, nil
}

// restartTime bounds a restart: a unit may take 90 s to stop and as long to start.
const restartTime = 5 * time.Minute

// service ends the name of a unit, which may have other dots in it.
const service = ".service"

// busSocket is the node's bus, below its root.
const busSocket = "run/dbus/system_bus_socket"

// restart restarts containerd on the node whose root directory is root, where unit is
// the one that runs it.
func (r Restarter) restart(ctx context.Context, root, unit string) error {
	ctx, stop := context.WithTimeout(ctx, restartTime)
	defer stop()
	switch {
	case r.way == byExec:
		return restartByCommand(ctx, root, r.what)
	case r.way == byUnit:
		unit = r.what
	case unit == "":
		return errNoUnit
	}
	return r.systemd(ctx, filepath.Join(root, busSocket), strings.TrimSuffix(unit, service)+service)
}

// restartByCommand runs a command of the node's shell, with the node's root as its own.
// chroot needs no right but CAP_SYS_CHROOT and a mount of that root, which the
// installation has. To enter the node's mount namespace would need CAP_SYS_ADMIN as
// well, and lead to the same files. The command is in this pod's cgroup, and so is
// what it starts itself: it has to ask a supervisor that runs elsewhere.
func restartByCommand(ctx context.Context, root, command string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Env, cmd.Dir = []string{hostPath}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	cmd.WaitDelay = time.Second // a daemon may have kept the pipe
	out, err := cmd.CombinedOutput()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return &outputError{fmt.Errorf("the command of --restart: %w", err), string(bytes.TrimSpace(out))}
	}
	return nil
}

// outputError is the failure of a command. What it printed is for the log alone: Events
// about a node can be read by more people.
type outputError struct {
	error
	output string
}

// Unwrap returns the failure.
func (e *outputError) Unwrap() error { return e.error }

// restartUnit asks systemd, and waits for the end of its job. It fails with errJob where
// the job did: containerd was stopped then, and has not started. The error has what
// systemd says of the job and of the unit.
func restartUnit(ctx context.Context, bus, unit string) error {
	conn, err := dbus.NewConnection(func() (*godbus.Conn, error) { return dialBus(ctx, bus) })
	if err != nil {
		return fmt.Errorf("systemd of %s: %w", bus, err)
	}
	defer conn.Close()
	ended := make(chan string, 1)
	if _, err := conn.RestartUnitContext(ctx, unit, "replace", ended); err != nil {
		return fmt.Errorf("systemd: restart %s: %w", unit, err)
	}
	select {
	case result := <-ended:
		if result != "done" {
			return fmt.Errorf("systemd: restart %s: %w: %s%s", unit, errJob, result, stateOf(ctx, conn, unit))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("systemd: restart %s: %w: %w", unit, errJob, ctx.Err())
	}
}

// stateOf is how a unit is, and why, for people; empty: systemd does not say.
func stateOf(ctx context.Context, conn *dbus.Conn, unit string) string {
	active, errActive := conn.GetUnitPropertyContext(ctx, unit, "ActiveState")
	sub, errSub := conn.GetUnitPropertyContext(ctx, unit, "SubState")
	result, errResult := conn.GetServicePropertyContext(ctx, unit, "Result")
	if errors.Join(errActive, errSub, errResult) != nil {
		return ""
	}
	return fmt.Sprintf("; the unit is %v (%v), its result %v", active.Value.Value(), sub.Value.Value(), result.Value.Value())
}

func dialBus(ctx context.Context, path string) (*godbus.Conn, error) {
	conn, err := godbus.Dial("unix:path="+path, godbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if err := conn.Auth(nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if err := conn.Hello(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
