package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// outputLimit bounds what a program that is asked something may print, in bytes.
const outputLimit = 8 << 20

// boundedRun returns a RunProgram that runs programs through monitor, as [Executor.Plan]
// asks runtimes what they are.
func boundedRun(monitor Monitor) RunProgram {
	return func(ctx context.Context, binary string, args ...string) ([]byte, error) {
		return boundedOutput(ctx, monitor, &exec.Cmd{
			Path: binary, Args: append([]string{binary}, args...), Env: runtimeEnv(os.Environ()), Dir: "/",
			SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
		})
	}
}

// boundedOutput runs cmd, which leads its process group, and returns what it prints
// on stdout. The group is killed at the end of the context and where it prints too
// much. What it prints on stderr is the end of an error.
func boundedOutput(ctx context.Context, monitor Monitor, cmd *exec.Cmd) ([]byte, error) {
	complaints, complaintsEnd, err := newOutput()
	if err != nil {
		return nil, err
	}
	defer complaints.forget(time.Now())
	r, w, err := os.Pipe()
	if err != nil {
		complaintsEnd.Close()
		return nil, err
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, complaintsEnd
	exited, err := monitor.Start(cmd)
	w.Close()
	complaintsEnd.Close()
	if err != nil {
		return nil, err
	}
	status := make(chan error, 1)
	go func() {
		code, err := monitor.Wait(cmd, exited)
		if err == nil && code != 0 {
			err = fmt.Errorf("exit status %d", code)
		}
		status <- err
	}()
	out, err := readBounded(ctx, r)
	if err = errors.Join(err, endOf(ctx, cmd.Process.Pid, status, err != nil)); err != nil {
		said, _ := complaints.drain()
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(said))
	}
	return out, nil
}

// endOf waits for the end of a process, which it brings about at the end of the
// context or now. The number of a process that was waited for is another's soon.
func endOf(ctx context.Context, pid int, status <-chan error, now bool) error {
	if !now {
		select {
		case err := <-status:
			return err
		case <-ctx.Done():
		}
	}
	select {
	case err := <-status:
		return err
	default:
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		return errors.Join(context.Cause(ctx), <-status)
	}
}

// readBounded reads r to its end, which does not come while any process holds it.
func readBounded(ctx context.Context, r *os.File) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { _ = r.Close() })
	defer stop()
	out, err := io.ReadAll(io.LimitReader(r, outputLimit+1))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	case len(out) > outputLimit:
		return nil, errTooLong
	}
	return out, nil
}
