package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// site is where benchmarks run: a private containerd of their own.
type site struct {
	*harness.Daemon
	account *account
}

func newSite(d *harness.Daemon) (*site, error) {
	a, err := newAccount(d)
	return &site{d, a}, err
}

// pods runs one pod per handler.
func (s *site) pods(ctx context.Context, handlers ...string) ([]*harness.Pod, error) {
	var pods []*harness.Pod
	for _, h := range handlers {
		pod, err := s.CRI.RunPod(ctx, harness.PodOptions{Handler: h})
		if err != nil {
			return nil, err
		}
		pods = append(pods, pod)
	}
	return pods, nil
}

func removePods(ctx context.Context, pods []*harness.Pod) error {
	for _, pod := range pods {
		if err := pod.Remove(ctx); err != nil {
			return err
		}
	}
	return nil
}

// gracePeriod is more than any container here takes to end.
const gracePeriod = 30 * time.Second

// containerName is that of a pod's only container, for which its hooks are.
const containerName = "app"

// hooked is a container with an annotation; lifecycle is its value, "" for none.
func hooked(lifecycle string) harness.ContainerOptions {
	opts := harness.ContainerOptions{Name: containerName}
	if lifecycle != "" {
		opts.Annotations = map[string]string{harness.LifecyclePrefix + containerName: lifecycle}
	}
	return opts
}

// Hooks as a pod's author writes them, and the command of the exec ones.
const (
	hookCommand   = "/bin/true"
	postStartExec = `{"postStart":{"exec":{"command":["` + hookCommand + `"]}}}`
	preStopExec   = `{"preStop":{"exec":{"command":["` + hookCommand + `"]}}}`
	bothExec      = `{"postStart":{"exec":{"command":["` + hookCommand + `"]}},"preStop":{"exec":{"command":["` + hookCommand + `"]}}}`
	preStopHTTP   = `{"preStop":{"httpGet":{"port":80,"path":"/status/200"}}}`
)

// execSync runs the hooks' command as the kubelet does.
func execSync(ctx context.Context, c *harness.Container) error {
	result, err := c.Exec(ctx, hookCommand)
	if err == nil && result.ExitCode != 0 {
		err = fmt.Errorf("exec of %s: exit status %d", hookCommand, result.ExitCode)
	}
	return err
}

// awaitHandler waits until the shell that is a container's init waits for its
// child and for SIGTERM, which the kernel drops where it comes too early.
func awaitHandler(ctx context.Context, c *harness.Container) error {
	pid, err := c.PID(ctx)
	if err != nil {
		return err
	}
	return poll(ctx, fmt.Sprintf("process %d to wait for SIGTERM", pid), func() (bool, error) {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
		if err != nil || len(children) == 0 {
			return false, err
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return false, err
		}
		caught, err := strconv.ParseUint(field(string(status), "SigCgt"), 16, 64)
		sleeping := strings.HasPrefix(field(string(status), "State"), "S")
		return sleeping && caught&(1<<(syscall.SIGTERM-1)) != 0, err
	})
}

// field returns the value of a line "name: value" of text.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// pollLimit bounds waits for what should be there within moments.
const pollLimit = time.Minute

// poll asks every few milliseconds until done. what completes "wait for".
func poll(ctx context.Context, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, pollLimit)
	defer cancel()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		}
	}
}
