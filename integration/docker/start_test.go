package docker

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// note is a hook that writes a word into the trace.
func note(word string) string { return hook("echo " + word + " >> /fifo/trace") }

// hook is one that runs a script.
func hook(script string) string { return fmt.Sprintf(`{"exec":{"command":["sh","-c",%q]}}`, script) }

// waiting is a hook that says that it runs and waits for leave to end.
func waiting(name string) string {
	return hook("echo " + name + " >> /fifo/trace; echo here > /fifo/" + name + "; cat /fifo/" + name + "-go")
}

// lifecycle is the object with both hooks; "" is one left out.
func lifecycle(postStart, preStop string) string {
	var fields []string
	if postStart != "" {
		fields = append(fields, `"postStart":`+postStart)
	}
	if preStop != "" {
		fields = append(fields, `"preStop":`+preStop)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

var bothHooks = lifecycle(note("post"), note("pre"))

func restart(name container.RestartPolicyMode, most int) func(*client.ContainerCreateOptions) {
	return func(o *client.ContainerCreateOptions) {
		o.HostConfig.RestartPolicy = container.RestartPolicy{Name: name, MaximumRetryCount: most}
	}
}

// listed tells whether docker ps shows a container.
func (c *Container) listed() bool {
	c.tb.Helper()
	all, err := c.engine.ContainerList(c.tb.Context(), client.ContainerListOptions{})
	if err != nil {
		c.tb.Fatal(err)
	}
	for _, one := range all.Items {
		if one.ID == c.ID {
			return true
		}
	}
	return false
}

func TestPostStartIsAPartOfStart(t *testing.T) {
	e := sharedEngine(t)
	c := e.Create(t, lifecycle(waiting("post"), ""))
	reply := c.Begin(t.Context())
	c.Await("main", "post")
	e.Run(t, "") // another one starts beside it
	select {
	case err := <-reply:
		t.Fatalf("start replied while its hook was running: %v", err)
	default:
	}
	if c.listed() {
		t.Error("docker ps shows a container whose postStart runs")
	}
	// dockerd holds the container's lock, which it needs to describe it.
	inspected := beginSent(t.Context(), func(ctx context.Context) error {
		_, err := e.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
		return err
	})
	e.Run(t, "")
	select {
	case err := <-inspected:
		t.Errorf("docker inspect replied while postStart was running: %v", err)
	default:
	}
	c.Open("post-go")
	for _, reply := range []<-chan error{reply, inspected} {
		if err := wantReply(t, reply); err != nil {
			t.Fatal(err)
		}
	}
	c.WantState("running", 0)
	if !c.listed() {
		t.Error("docker ps does not show a container that runs")
	}
}

// wantStartError checks an error of start as the API's client gets it.
func wantStartError(t *testing.T, err error, is func(error) bool, text string) {
	t.Helper()
	if err == nil || !is(err) || !strings.Contains(err.Error(), text) {
		t.Errorf("start: %T %v, want %q", err, err, text)
	}
}

func TestPostStartThatFails(t *testing.T) {
	e := sharedEngine(t)
	c := e.Create(t, lifecycle(hook("echo post >> /fifo/trace; read go < /fifo/post-go; exit 3"), note("pre")))
	reply := c.Begin(t.Context())
	c.Await("main")
	c.Open("post-go")
	wantStartError(t, wantReply(t, reply), errdefs.IsInternal, "FailedPostStartHook: exec: exit status 3")
	c.WantTrace("post", "pre", "term")
	c.WantState("created", 0) // the entrypoint's exit code
	if state := c.Inspect().State; !strings.Contains(state.Error, "FailedPostStartHook") {
		t.Errorf("error of the container's state: %q", state.Error)
	}
	// It can be started again, with a hook of its own.
	reply = c.Begin(t.Context())
	c.Await("main")
	c.Open("post-go")
	wantStartError(t, wantReply(t, reply), errdefs.IsInternal, "FailedPostStartHook")
	if _, err := e.ContainerRemove(t.Context(), c.ID, client.ContainerRemoveOptions{}); err != nil {
		t.Errorf("docker rm, without -f: %v", err)
	}
}

func TestPostStartThatFailsRemovesAContainerOfItsRun(t *testing.T) {
	e := sharedEngine(t)
	c := e.Create(t, lifecycle(hook("exit 3"), ""), func(o *client.ContainerCreateOptions) { o.HostConfig.AutoRemove = true })
	wantStartError(t, c.Start(t.Context()), errdefs.IsInternal, "FailedPostStartHook: exec: exit status 3")
	c.wantGone()
}

func (c *Container) wantGone() {
	c.tb.Helper()
	err := harness.Poll(c.tb.Context(), harness.ReadyTimeout, "the container to be removed", func() error {
		_, err := c.engine.ContainerInspect(c.tb.Context(), c.ID, client.ContainerInspectOptions{})
		if err == nil {
			return fmt.Errorf("container %s is there", c.ID)
		}
		if !errdefs.IsNotFound(err) {
			return harness.Permanent(err)
		}
		return nil
	})
	if err != nil {
		c.tb.Fatal(err)
	}
}

func TestAnnotationThatIsInvalid(t *testing.T) {
	for name, given := range map[string]struct{ lifecycle, text string }{
		"range": {"preStop: {sleep: {seconds: -3}}", "annotation bookend.dev/lifecycle: preStop.sleep.seconds: must be >= 0, got -3"},
		"field": {"preStop: {sleeep: {seconds: 3}}", "annotation bookend.dev/lifecycle: preStop"},
	} {
		t.Run(name, func(t *testing.T) {
			e := sharedEngine(t)
			c := e.Create(t, given.lifecycle)
			wantStartError(t, c.Start(t.Context()), errdefs.IsInternal, given.text)
			c.WantState("created", 128)
			if _, err := os.Stat(e.daemon.Bundle(e.Namespace(), c.ID)); !os.IsNotExist(err) {
				t.Errorf("bundle: %v", err)
			}
			if _, err := e.ContainerRemove(t.Context(), c.ID, client.ContainerRemoveOptions{}); err != nil {
				t.Errorf("docker rm, without -f: %v", err)
			}
		})
	}
}

func TestStopDuringPostStart(t *testing.T) {
	e := sharedEngine(t)
	c := e.Create(t, lifecycle(waiting("post"), note("pre")))
	reply := c.Begin(t.Context())
	c.Await("main", "post")
	stopped := beginSent(t.Context(), func(ctx context.Context) error {
		_, err := e.ContainerStop(ctx, c.ID, client.ContainerStopOptions{})
		return err
	})
	e.Run(t, "")
	select {
	case err := <-stopped:
		t.Errorf("docker stop replied while postStart was running: %v", err)
	default:
	}
	c.Open("post-go")
	for _, reply := range []<-chan error{reply, stopped} {
		if err := wantReply(t, reply); err != nil {
			t.Fatal(err)
		}
	}
	c.WantState("exited", 0)
	c.WantTrace("post", "pre", "term")
}

func TestRemoveDuringPostStart(t *testing.T) {
	e := sharedEngine(t)
	c := e.Create(t, lifecycle(waiting("post"), note("pre")))
	reply := c.Begin(t.Context())
	c.Await("main", "post")
	removed := beginSent(t.Context(), c.remove)
	c.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Errorf("start: %v", err)
	}
	if err := wantReply(t, removed); err != nil {
		t.Errorf("rm -f: %v", err)
	}
	c.wantGone()
	c.WantTrace("post")
}
