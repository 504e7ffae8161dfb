package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// ContainerOptions describes a container of a pod.
type ContainerOptions struct {
	Name        string // empty: a new one
	Image       string // empty: [BusyboxImage]
	Command     []string
	Args        []string
	Env         map[string]string
	Annotations map[string]string // of the container request
	// Mounts maps directories of the host to directories of the container.
	Mounts  map[string]string
	Attempt uint32
	// Edit changes the request before it is sent; nil: nothing to change.
	Edit func(*runtimeapi.ContainerConfig)
}

// Container is a container of a pod.
type Container struct {
	ID     string
	Pod    *Pod
	Config *runtimeapi.ContainerConfig
}

// CreateContainer creates a container; it is started by [Container.Start].
func (p *Pod) CreateContainer(ctx context.Context, opts ContainerOptions) (*Container, error) {
	if opts.Name == "" {
		opts.Name = NewID("c")
	}
	if opts.Image == "" {
		opts.Image = BusyboxImage
	}
	config := &runtimeapi.ContainerConfig{
		Metadata:    &runtimeapi.ContainerMetadata{Name: opts.Name, Attempt: opts.Attempt},
		Image:       &runtimeapi.ImageSpec{Image: opts.Image},
		Command:     opts.Command,
		Args:        opts.Args,
		Annotations: maps.Clone(opts.Annotations),
		LogPath:     fmt.Sprintf("%s-%d.log", opts.Name, opts.Attempt),
		Linux: &runtimeapi.LinuxContainerConfig{
			Resources: &runtimeapi.LinuxContainerResources{},
			SecurityContext: &runtimeapi.LinuxContainerSecurityContext{
				NamespaceOptions: p.Config.GetLinux().GetSecurityContext().GetNamespaceOptions(),
			},
		},
	}
	for name, value := range opts.Env {
		config.Envs = append(config.Envs, &runtimeapi.KeyValue{Key: name, Value: []byte(value)})
	}
	for host, inside := range opts.Mounts {
		config.Mounts = append(config.Mounts, &runtimeapi.Mount{HostPath: host, ContainerPath: inside})
	}
	if opts.Edit != nil {
		opts.Edit(config)
	}
	reply, err := p.CRI.CreateContainer(ctx, &runtimeapi.CreateContainerRequest{
		PodSandboxId: p.ID, Config: config, SandboxConfig: p.Config,
	})
	if err != nil {
		return nil, fmt.Errorf("create container %s: %w", opts.Name, err)
	}
	return &Container{ID: reply.GetContainerId(), Pod: p, Config: config}, nil
}

// RunContainer creates and starts a container. A container that fails to start
// is returned beside the error.
func (p *Pod) RunContainer(ctx context.Context, opts ContainerOptions) (*Container, error) {
	c, err := p.CreateContainer(ctx, opts)
	if err != nil {
		return nil, err
	}
	return c, c.Start(ctx)
}

// Start starts the container.
func (c *Container) Start(ctx context.Context) error {
	if _, err := c.Pod.CRI.StartContainer(ctx, &runtimeapi.StartContainerRequest{ContainerId: c.ID}); err != nil {
		return fmt.Errorf("start container %s: %w", c.Name(), err)
	}
	return nil
}

// Stop sends the stop signal, and SIGKILL after timeout, which is rounded down
// to whole seconds; 0 is SIGKILL at once. It returns when the container ended.
func (c *Container) Stop(ctx context.Context, timeout time.Duration) error {
	_, err := c.Pod.CRI.StopContainer(ctx, &runtimeapi.StopContainerRequest{
		ContainerId: c.ID, Timeout: int64(timeout / time.Second),
	})
	if err != nil {
		return fmt.Errorf("stop container %s: %w", c.Name(), err)
	}
	return nil
}

// Remove removes the container, killing it first where it runs.
func (c *Container) Remove(ctx context.Context) error {
	if _, err := c.Pod.CRI.RemoveContainer(ctx, &runtimeapi.RemoveContainerRequest{ContainerId: c.ID}); err != nil {
		return fmt.Errorf("remove container %s: %w", c.Name(), err)
	}
	return nil
}

// Status returns the container's status.
func (c *Container) Status(ctx context.Context) (*runtimeapi.ContainerStatus, error) {
	reply, err := c.status(ctx, false)
	return reply.GetStatus(), err
}

func (c *Container) status(ctx context.Context, verbose bool) (*runtimeapi.ContainerStatusResponse, error) {
	reply, err := c.Pod.CRI.ContainerStatus(ctx, &runtimeapi.ContainerStatusRequest{ContainerId: c.ID, Verbose: verbose})
	if err != nil {
		return nil, fmt.Errorf("status of container %s: %w", c.Name(), err)
	}
	return reply, nil
}

// PID returns the pid of the container's init, as the host sees it.
func (c *Container) PID(ctx context.Context) (int, error) {
	reply, err := c.status(ctx, true)
	if err != nil {
		return 0, err
	}
	var info struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal([]byte(reply.GetInfo()["info"]), &info); err != nil {
		return 0, fmt.Errorf("verbose status of container %s: %w", c.Name(), err)
	}
	if info.PID == 0 {
		return 0, fmt.Errorf("container %s has no process", c.Name())
	}
	return info.PID, nil
}

// WaitState waits until the CRI reports the container in state.
func (c *Container) WaitState(ctx context.Context, state runtimeapi.ContainerState) (*runtimeapi.ContainerStatus, error) {
	var status *runtimeapi.ContainerStatus
	err := Poll(ctx, EndTimeout, fmt.Sprintf("container %s to be %s", c.Name(), state), func() (err error) {
		status, err = c.Status(ctx)
		if err == nil && status.GetState() != state {
			err = errors.New("it is " + status.GetState().String())
		}
		return err
	})
	return status, err
}

// ExecResult is what a command in a container came to.
type ExecResult struct {
	Stdout, Stderr string
	ExitCode       int
}

// Exec runs a command in the container and waits for it. A command that fails
// is no error.
func (c *Container) Exec(ctx context.Context, command ...string) (ExecResult, error) {
	reply, err := c.Pod.CRI.ExecSync(ctx, &runtimeapi.ExecSyncRequest{ContainerId: c.ID, Cmd: command})
	if err != nil {
		return ExecResult{}, fmt.Errorf("exec in container %s: %w", c.Name(), err)
	}
	return ExecResult{string(reply.GetStdout()), string(reply.GetStderr()), int(reply.GetExitCode())}, nil
}

// Stats returns the container's resource usage.
func (c *Container) Stats(ctx context.Context) (*runtimeapi.ContainerStats, error) {
	reply, err := c.Pod.CRI.ContainerStats(ctx, &runtimeapi.ContainerStatsRequest{ContainerId: c.ID})
	if err != nil {
		return nil, fmt.Errorf("stats of container %s: %w", c.Name(), err)
	}
	return reply.GetStats(), nil
}

// Log returns the container's log file, in the CRI's format.
func (c *Container) Log() (string, error) {
	b, err := os.ReadFile(filepath.Join(c.Pod.Config.GetLogDirectory(), c.Config.GetLogPath()))
	return string(b), err
}

// Name is that of the request.
func (c *Container) Name() string { return c.Config.GetMetadata().GetName() }
