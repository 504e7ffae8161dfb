package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http/httptrace"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Container is one of the engine's for one test.
type Container struct {
	*harness.Fixture

	engine *Engine
	tb     testing.TB
}

// Create creates a container with a Lifecycle object, which is not started, and
// removes it when the test ends.
func (e *Engine) Create(tb testing.TB, lifecycle string, edit ...func(*client.ContainerCreateOptions)) *Container {
	tb.Helper()
	c := &Container{Fixture: harness.NewFixture(tb, e.daemon, e.Namespace()), engine: e, tb: tb}
	opts := client.ContainerCreateOptions{
		Config: &container.Config{Image: Image, Cmd: []string{"sh", "-c", harness.Entrypoint}},
		HostConfig: &container.HostConfig{
			Runtime: harness.BookendRuntime,
			Binds:   []string{c.FIFOs.Dir + ":" + harness.FIFODir},
		},
	}
	if lifecycle != "" {
		opts.HostConfig.Annotations = map[string]string{harness.LifecycleKey: lifecycle}
	}
	for _, change := range edit {
		change(&opts)
	}
	created, err := e.ContainerCreate(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	c.ID = created.ID
	harness.Cleanup(tb, c.remove)
	return c
}

// Run is [Engine.Create] and a start; it returns once the entrypoint takes
// signals.
func (e *Engine) Run(tb testing.TB, lifecycle string, edit ...func(*client.ContainerCreateOptions)) *Container {
	tb.Helper()
	c := e.Create(tb, lifecycle, edit...)
	if err := c.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	c.Await("main")
	return c
}

func (c *Container) remove(ctx context.Context) error {
	_, err := c.engine.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// Start is docker start.
func (c *Container) Start(ctx context.Context) error {
	_, err := c.engine.ContainerStart(ctx, c.ID, client.ContainerStartOptions{})
	return err
}

// Begin calls Start and returns the channel of its reply.
func (c *Container) Begin(ctx context.Context) <-chan error {
	return begin(func() error { return c.Start(ctx) })
}

// Stop is docker stop; seconds are those of -t, where there are any.
func (c *Container) Stop(seconds ...int) error {
	var opts client.ContainerStopOptions
	if len(seconds) > 0 {
		opts.Timeout = &seconds[0]
	}
	_, err := c.engine.ContainerStop(c.tb.Context(), c.ID, opts)
	return err
}

// Signal is docker kill -s.
func (c *Container) Signal(signal string) {
	c.tb.Helper()
	if _, err := c.engine.ContainerKill(c.tb.Context(), c.ID, client.ContainerKillOptions{Signal: signal}); err != nil {
		c.tb.Fatal(err)
	}
}

// Inspect is docker inspect.
func (c *Container) Inspect() container.InspectResponse {
	c.tb.Helper()
	got, err := c.engine.ContainerInspect(c.tb.Context(), c.ID, client.ContainerInspectOptions{})
	if err != nil {
		c.tb.Fatal(err)
	}
	return got.Container
}

// Logs is docker logs: stdout and stderr.
func (c *Container) Logs() (stdout, stderr string) {
	c.tb.Helper()
	logs, err := c.engine.ContainerLogs(c.tb.Context(), c.ID, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		c.tb.Fatal(err)
	}
	defer logs.Close()
	var out, errs bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errs, logs); err != nil {
		c.tb.Fatal(err)
	}
	return out.String(), errs.String()
}

// Exec is docker exec: it returns what the command printed, and fails the test
// where it fails.
func (c *Container) Exec(command ...string) string {
	c.tb.Helper()
	ctx := c.tb.Context()
	created, err := c.engine.ExecCreate(ctx, c.ID, client.ExecCreateOptions{Cmd: command, AttachStdout: true, AttachStderr: true})
	if err != nil {
		c.tb.Fatal(err)
	}
	attached, err := c.engine.ExecAttach(ctx, created.ID, client.ExecAttachOptions{})
	if err != nil {
		c.tb.Fatal(err)
	}
	defer attached.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, io.Discard, attached.Reader); err != nil {
		c.tb.Fatal(err)
	}
	if got, err := c.engine.ExecInspect(ctx, created.ID, client.ExecInspectOptions{}); err != nil || got.ExitCode != 0 {
		c.tb.Fatalf("exec %v: exit code %d, %v", command, got.ExitCode, err)
	}
	return out.String()
}

// poll waits until the container's state is as it should be.
func (c *Container) poll(what string, check func(container.InspectResponse) error) {
	c.tb.Helper()
	err := harness.Poll(c.tb.Context(), harness.ReadyTimeout, what, func() error { return check(c.Inspect()) })
	if err != nil {
		c.tb.Fatal(err)
	}
}

// WantState waits for a state and, of one that has ended, an exit code.
func (c *Container) WantState(status container.ContainerState, code int) {
	c.tb.Helper()
	c.poll(string(status), func(got container.InspectResponse) error {
		if got.State.Status != status || got.State.ExitCode != code {
			return fmt.Errorf("state %q, exit code %d, error %q; want %q, %d", got.State.Status, got.State.ExitCode, got.State.Error, status, code)
		}
		return nil
	})
}

// begin makes a call and returns the channel of its reply.
func begin(call func() error) <-chan error {
	reply := make(chan error, 1)
	go func() { reply <- call() }()
	return reply
}

// beginSent is begin that returns once the request is on its way.
func beginSent(ctx context.Context, call func(context.Context) error) <-chan error {
	sent := make(chan struct{})
	reply := begin(func() error {
		return call(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) },
		}))
	})
	<-sent
	return reply
}

// wantReply waits for a reply, which a dockerd that hangs would never send.
func wantReply(tb testing.TB, reply <-chan error) error {
	tb.Helper()
	select {
	case err := <-reply:
		return err
	case <-time.After(harness.Limit(time.Minute)):
		tb.Fatal("no reply")
		return nil
	}
}
