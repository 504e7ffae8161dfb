package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"bookend.dev/bookend/integration/harness"
)

// program is one of the cluster's, which may be ended and launched again.
type program struct {
	name  string // of its log and its kubeconfig
	file  string // its path; empty: that of a program of Kubernetes of this name
	args  []string
	env   []string
	check func(context.Context) error // nil: it serves
	cmd   *exec.Cmd                   // nil: it is ended
	done  chan struct{}               // closed once it is reaped
}

func logFile(name string) string { return "/var/log/" + name + ".log" }

// launch starts the program and waits until it serves. dir has those of Kubernetes.
func (p *program) launch(ctx context.Context, dir string) error {
	log, err := os.OpenFile(logFile(p.name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(cmp.Or(p.file, filepath.Join(dir, p.name)), p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // ^C is for us to handle
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w; make node kube-tools builds it", p.name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	err = harness.Poll(ctx, 2*harness.ReadyTimeout, p.name+" to serve", func() error {
		select {
		case <-done:
			return harness.Permanent(fmt.Errorf("it ended: %v", cmd.ProcessState))
		default:
			return p.check(ctx)
		}
	})
	if err != nil {
		return fmt.Errorf("%w; its log ends with:\n%s", err, logTail(p.name))
	}
	return nil
}

// end ends the program by a signal and waits for its end.
func (p *program) end(ctx context.Context, sig syscall.Signal) error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, harness.Limit(harness.EndTimeout))
	defer cancel()
	select {
	case <-p.done:
		p.cmd = nil
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %s to end: %w", p.name, ctx.Err())
	}
}

// logTail returns the end of a program's log.
func logTail(name string) string {
	log, err := os.ReadFile(logFile(name))
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(log), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "")
}
