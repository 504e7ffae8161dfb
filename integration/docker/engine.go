package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/moby/moby/client"
)

// Image is that of the harness under the name that Docker knows it by.
const Image = harness.BusyboxImage

// Options of an [Engine]; the zero value is an engine with Docker's defaults.
type Options struct {
	// Runtimes returns that part of daemon.json; nil: it has none.
	Runtimes func(*Engine) (map[string]any, error)
	// LiveRestore lets containers run on while dockerd does not.
	LiveRestore bool
}

// Engine is a dockerd on a private containerd, which shares nothing with another
// dockerd of the machine: no bridge, no rules of iptables, no directory.
type Engine struct {
	*client.Client

	daemon *harness.Daemon
	name   string // of its directory below the daemon's, and of its namespace
	before harness.Inventory
	shared []string // of sharedDirs, those that the machine had not
	cmd    *exec.Cmd
	done   chan struct{} // closed once dockerd is reaped
}

// sharedDirs are what dockerd makes wherever its own directories are, innermost
// first.
var sharedDirs = []string{"/run/docker/plugins", "/run/docker"}

// programsVariable names the directory of dockerd and docker; its default is
// .cache/dockerd of the repository.
const programsVariable = "BOOKEND_DOCKERD"

// Programs returns that directory.
func Programs(d *harness.Daemon) string {
	if dir := os.Getenv(programsVariable); dir != "" {
		return dir
	}
	return filepath.Join(d.Binaries().Root, ".cache", "dockerd")
}

// StartEngine starts an engine and loads the test image into it. The caller owes
// a Stop.
func StartEngine(ctx context.Context, d *harness.Daemon, opts Options) (_ *Engine, err error) {
	e := &Engine{daemon: d, name: harness.NewID("moby")}
	if e.before, err = d.Inventory(); err != nil {
		return nil, err
	}
	for _, dir := range sharedDirs {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			e.shared = append(e.shared, dir)
		}
	}
	for _, dir := range []string{e.Path(), e.Path("docker")} {
		if err := os.Mkdir(dir, 0o711); err != nil {
			return nil, err
		}
	}
	config := map[string]any{"live-restore": opts.LiveRestore}
	if opts.Runtimes != nil {
		if config["runtimes"], err = opts.Runtimes(e); err != nil {
			return nil, err
		}
	}
	content, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(e.Path("daemon.json"), content, 0o600); err != nil {
		return nil, err
	}
	if e.Client, err = client.New(client.WithHost(e.Host())); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, fmt.Errorf("dockerd's log ends with:\n%s", e.LogTail()), e.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if err := e.Launch(ctx); err != nil {
		return nil, err
	}
	return e, e.load(ctx)
}

// Path is a path below the engine's directory.
func (e *Engine) Path(elem ...string) string {
	return e.daemon.Path(append([]string{e.name}, elem...)...)
}

// Host is the address of dockerd's API, as DOCKER_HOST has it.
func (e *Engine) Host() string { return "unix://" + e.Path("d.sock") }

// Namespace is containerd's of the engine's containers.
func (e *Engine) Namespace() string { return e.name }

// Launch starts dockerd, after [Engine.End] again, and waits until it serves.
func (e *Engine) Launch(ctx context.Context) error {
	log, err := os.OpenFile(e.Path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	e.cmd = exec.Command(filepath.Join(Programs(e.daemon), "dockerd"),
		"--config-file", e.Path("daemon.json"), "--host", e.Host(), "--pidfile", e.Path("pid"),
		"--data-root", e.Path("data"), "--exec-root", e.Path("exec"),
		"--containerd", e.daemon.Address(), "--containerd-namespace", e.name, "--containerd-plugins-namespace", e.name+"-plugins",
		"--cgroup-parent", e.daemon.Cgroup(), "--exec-opt", "native.cgroupdriver=cgroupfs",
		// Without a bridge and rules there is nothing of the machine's to change.
		"--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--userland-proxy=false")
	e.cmd.Env, e.cmd.Stdout, e.cmd.Stderr = e.Env(), log, log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // ^C is for us to handle
	if err := e.cmd.Start(); err != nil {
		return fmt.Errorf("start dockerd: %w; make dockerd builds it", err)
	}
	cmd, done := e.cmd, make(chan struct{})
	e.done = done
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	return harness.Poll(ctx, harness.ReadyTimeout, "dockerd to serve", func() error {
		select {
		case <-done:
			return harness.Permanent(fmt.Errorf("dockerd ended: %v", cmd.ProcessState))
		default:
		}
		_, err := e.Ping(ctx, client.PingOptions{})
		return err
	})
}

// Env is the environment of dockerd and of commands beside it: where programs
// are, and bookend's configuration.
func (e *Engine) Env() []string {
	bins := e.daemon.Binaries()
	path := append([]string{Programs(e.daemon), bins.Bin, bins.Tools}, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
	return []string{
		"PATH=" + strings.Join(path, ":"),
		e.daemon.Mark(),
		"HOME=" + e.Path(),
		"TMPDIR=" + e.daemon.Path("tmp"),
		"BOOKEND_CONFIG=" + e.daemon.Path("bookend.toml"),
		"DOCKER_HOST=" + e.Host(),
		"DOCKER_CONFIG=" + e.Path("docker"),
	}
}

// End ends dockerd by a signal: SIGTERM, which without live-restore stops its
// containers, or SIGKILL.
func (e *Engine) End(ctx context.Context, sig syscall.Signal) error {
	if e.done == nil {
		return nil
	}
	if err := e.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal dockerd: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, harness.Limit(harness.ReadyTimeout))
	defer cancel()
	select {
	case <-e.done:
		e.done = nil
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for dockerd to end: %w", ctx.Err())
	}
}

// load gives the engine the test image, from containerd's own.
func (e *Engine) load(ctx context.Context) error {
	var tar bytes.Buffer
	nsctx := namespaces.WithNamespace(ctx, harness.TaskNamespace)
	if err := e.daemon.Client.Export(nsctx, &tar, archive.WithImage(e.daemon.Client.ImageService(), Image)); err != nil {
		return fmt.Errorf("export %s: %w", Image, err)
	}
	loaded, err := e.ImageLoad(ctx, &tar)
	if err != nil {
		return fmt.Errorf("load %s: %w", Image, err)
	}
	defer loaded.Close()
	_, err = io.Copy(io.Discard, loaded)
	return err
}

// Stop ends dockerd and removes what the engine keeps: it fails where anything
// else is left, of the engine or of any of its containers.
func (e *Engine) Stop(ctx context.Context) error {
	err := e.End(ctx, syscall.SIGTERM)
	if err != nil {
		err = errors.Join(err, e.End(ctx, syscall.SIGKILL))
	}
	err = errors.Join(err, e.Close(), os.RemoveAll(e.Path()))
	// Empty ones alone: runc's is of the namespace, and has its containers in it.
	for _, dir := range append([]string{filepath.Join(harness.RuncRoot, e.name)}, e.shared...) {
		if gone := os.Remove(dir); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return err
	}
	return e.daemon.CheckLeaks(ctx, e.before)
}

// LogTail returns the end of dockerd's log.
func (e *Engine) LogTail() string {
	log, err := os.ReadFile(e.Path("log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(log), "\n")
	return strings.Join(lines[max(0, len(lines)-60):], "")
}
