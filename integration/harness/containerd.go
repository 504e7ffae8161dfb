package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is one run of containerd.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it is reaped
}

// launch starts containerd and waits until its socket answers.
func (d *Daemon) launch(ctx context.Context) error {
	log, err := os.OpenFile(d.LogPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(d.bins.Tools, "containerd"), d.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = d.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // ^C is for us to handle
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start containerd: %w", err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait()
	}()
	d.proc = p
	return Poll(ctx, ReadyTimeout, "containerd to listen", func() error {
		select {
		case <-p.done:
			return Permanent(fmt.Errorf("containerd ended: %v", cmd.ProcessState))
		default:
		}
		conn, err := dialUnix(ctx, d.Address())
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

const (
	// ReadyTimeout bounds waits for what has to start or to happen.
	ReadyTimeout = time.Minute
	// EndTimeout bounds waits for what has to end.
	EndTimeout = 20 * time.Second
)

// Restart stops containerd, and it alone, and starts it again: shims and
// containers run on. Connections and event logs find the new one by themselves.
func (d *Daemon) Restart(ctx context.Context) error {
	if err := d.Terminate(ctx); err != nil {
		return err
	}
	return d.Relaunch(ctx)
}

// Upgrade is [Daemon.Restart] with the containerd of another directory of tools,
// which gets a configuration in its own terms: shims and containers run on.
func (d *Daemon) Upgrade(ctx context.Context, tools string) error {
	bins, err := d.bins.withTools(tools)
	if err != nil {
		return err
	}
	release, err := ReleaseIn(tools)
	if err != nil {
		return err
	}
	if err := d.Terminate(ctx); err != nil {
		return err
	}
	d.bins, d.release = bins, release
	if err := d.configureContainerd(d.opts.withDefaults(bins)); err != nil {
		return err
	}
	return d.Relaunch(ctx)
}

// Relaunch starts containerd again after [Daemon.Terminate] or [Daemon.Kill],
// and returns once it serves and event logs follow it.
func (d *Daemon) Relaunch(ctx context.Context) error {
	if err := d.launch(ctx); err != nil {
		return err
	}
	if err := d.ready(ctx); err != nil {
		return err
	}
	return d.syncEvents(ctx)
}

// Terminate stops containerd with SIGTERM; shims and containers run on.
func (d *Daemon) Terminate(ctx context.Context) error { return d.end(ctx, syscall.SIGTERM) }

// Kill stops containerd with SIGKILL; shims and containers run on.
func (d *Daemon) Kill(ctx context.Context) error { return d.end(ctx, syscall.SIGKILL) }

func (d *Daemon) end(ctx context.Context, sig syscall.Signal) error {
	if d.proc == nil {
		return nil
	}
	if err := d.proc.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal containerd: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, Scaled(EndTimeout))
	defer cancel()
	select {
	case <-d.proc.done:
		d.proc = nil
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for containerd to end: %w", ctx.Err())
	}
}
