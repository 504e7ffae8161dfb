package docker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// inLog is a hook that prints into its container's log.
func inLog(script string) string {
	return strings.Replace(hook(script), "{", `{"output":"container",`, 1)
}

func TestOutputGoesIntoDockerLogs(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, lifecycle(inLog("echo one; echo two >&2; printf three"), inLog("echo bye")), func(o *client.ContainerCreateOptions) {
		o.Config.Cmd = []string{"sh", "-c", "echo mine; echo mine too >&2\n" + harness.Entrypoint}
	})
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	wantOut := []string{"[postStart] one", "[postStart] three", "[preStop] bye", "mine"}
	wantErr := []string{"[postStart] two", "mine too"}
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "docker logs", func() error {
		stdout, stderr := c.Logs()
		for _, one := range []struct {
			got  string
			want []string
		}{{stdout, wantOut}, {stderr, wantErr}} {
			got := strings.Split(strings.TrimSpace(one.got), "\n")
			slices.Sort(got) // two writers have no order
			if !slices.Equal(got, one.want) {
				return fmt.Errorf("got %q, want %q", got, one.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// health makes dockerd check a container's health by a command.
func health(script string) func(*client.ContainerCreateOptions) {
	return func(o *client.ContainerCreateOptions) {
		o.Config.Healthcheck = &container.HealthConfig{
			Test: []string{"CMD-SHELL", script}, Interval: 100 * time.Millisecond, Timeout: time.Minute, Retries: 1,
		}
	}
}

func (c *Container) wantHealth(want container.HealthStatus) {
	c.tb.Helper()
	c.poll("health", func(got container.InspectResponse) error {
		if got.State.Health == nil || got.State.Health.Status != want {
			return fmt.Errorf("health %+v, want %s", got.State.Health, want)
		}
		return nil
	})
}

// Health checks and docker exec run beside a preStop.
func TestHealthChecksAndExecBesidePreStop(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, lifecycle(note("post"), waiting("pre")), health("test ! -e /sick"))
	c.wantHealth(container.Healthy)
	reply := begin(func() error { return c.Stop(60) })
	c.Await("pre")
	if out := c.Exec("sh", "-c", "touch /sick; echo beside"); out != "beside\n" {
		t.Errorf("docker exec printed %q", out)
	}
	c.wantHealth(container.Unhealthy)
	c.Open("pre-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	c.WantState("exited", 0)
	c.WantTrace("post", "pre", "term")
}

// A container whose postStart runs is not checked, while another one is.
func TestHealthChecksBeginAfterPostStart(t *testing.T) {
	e := sharedEngine(t)
	c := e.Create(t, lifecycle(hook("echo here > /fifo/post; cat /fifo/post-go; echo post >> /fifo/trace"), ""),
		health("grep -q checked /fifo/trace || echo checked >> /fifo/trace"))
	reply := c.Begin(t.Context())
	c.Await("main", "post")
	e.Run(t, "", health("true")).wantHealth(container.Healthy)
	c.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	c.wantHealth(container.Healthy)
	c.WantTrace("post", "checked")
}
