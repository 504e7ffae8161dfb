package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/runtime/restart"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// The tests in this file are about containers that containerd's restart monitor
// starts again, as `nerdctl run --restart` has it.

// withRestartMonitor starts a daemon whose monitor looks at its containers all the
// time. Every release of containerd understands its table by the oldest name.
func withRestartMonitor(t *testing.T) *harness.Daemon {
	t.Helper()
	file := filepath.Join(t.TempDir(), "monitor.toml")
	const table = "version = 2\n[plugins.\"io.containerd.internal.v1.restart\"]\ninterval = \"50ms\"\n"
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	return harness.StartDaemon(t, harness.Options{Imports: []string{file}})
}

// keepRunning has the monitor start the container again whenever it does not run.
// When the test ends the monitor lets go of it.
func keepRunning(t *testing.T, h *harness.Fixture) {
	t.Helper()
	label := func(ctx context.Context, labels map[string]string) error {
		ctx = namespaces.WithNamespace(ctx, h.Namespace)
		return h.Task.Container.Update(ctx, containerd.UpdateContainerOpts(containerd.WithAdditionalContainerLabels(labels)))
	}
	harness.Cleanup(t, func(ctx context.Context) error {
		if err := label(ctx, map[string]string{restart.PolicyLabel: "no"}); err != nil {
			return err
		}
		return h.Daemon.Restart(ctx) // what the monitor has begun ends with it
	})
	if err := label(t.Context(), map[string]string{restart.PolicyLabel: "always", restart.StatusLabel: string(containerd.Running)}); err != nil {
		t.Fatal(err)
	}
}

// exitByItself has the entrypoint end without a call of a client.
func exitByItself(t *testing.T, h *harness.Fixture) {
	t.Helper()
	if err := syscall.Kill(h.Init(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// awaitPostStarts waits until so many postStart hooks have succeeded, and the
// starts that waited for them have been told.
func awaitPostStarts(t *testing.T, h *harness.Fixture, n int) {
	t.Helper()
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "starts", func() error {
		succeeded := 0
		for _, e := range h.Events.All() {
			if hook, ok := e.Hook(); ok && hook.ContainerID == h.ID && hook.Hook == "postStart" && hook.Verb == "success" {
				succeeded++
			}
		}
		topics := h.Topics()
		if succeeded != n || topics[len(topics)-1] != "/tasks/start" {
			return fmt.Errorf("%d postStart hooks have succeeded, events are %q", succeeded, topics)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRestartMonitorRunsTheHooksOfEachStart(t *testing.T) {
	h := harness.RunTask(t, withRestartMonitor(t), noted)
	keepRunning(t, h)
	want := []string{"post"}
	for starts := 2; starts <= 3; starts++ {
		h.Kill(syscall.SIGTERM)
		h.Await("main")
		awaitPostStarts(t, h, starts)
		want = append(want, "pre", "term", "post")
	}
	exitByItself(t, h)
	h.Await("main")
	awaitPostStarts(t, h, 4)
	h.WantTrace(append(want, "term", "post")...)
}

// heldPostStart has a postStart that waits for its test, and then fails where the test
// has made a file.
var heldPostStart = `{"postStart":{"exec":` + shell("echo post >> /fifo/trace; echo here > /fifo/post; cat /fifo/post-go; test ! -e /fifo/fail") + `},
	"preStop":{"exec":` + shell("echo pre >> /fifo/trace") + `}}`

func TestRestartMonitorStartsAgainAfterAPostStartThatFails(t *testing.T) {
	h := harness.CreateTask(t, withRestartMonitor(t), heldPostStart)
	reply := h.Begin(t.Context())
	next := func() {
		t.Helper()
		h.Await("main", "post")
	}
	next()
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	keepRunning(t, h)
	fail := filepath.Join(h.FIFOs.Dir, "fail")
	if err := os.WriteFile(fail, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	exitByItself(t, h)
	next()
	h.Open("post-go")
	next()
	if err := os.Remove(fail); err != nil {
		t.Fatal(err)
	}
	h.Open("post-go")
	awaitPostStarts(t, h, 2)
	h.WantTrace("post", "term", "post", "pre", "term", "post")
}

// The monitor kills what does not say that it runs.
func TestRestartMonitorLeavesAContainerAloneDuringItsPostStart(t *testing.T) {
	d := withRestartMonitor(t)
	h := harness.CreateTask(t, d, heldPostStart)
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	keepRunning(t, h)
	init := h.Init()
	// The monitor looks at all containers before it starts one.
	witness := harness.RunTask(t, d, `{}`)
	keepRunning(t, witness)
	for range 2 {
		exitByItself(t, witness)
		witness.Await("main")
	}
	if now := h.Init(); now != init {
		t.Errorf("the init was %d, is %d", init, now)
	}
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
	h.WantTrace("post")
	if topics := h.Topics(); slices.Contains(topics, "/tasks/exit") {
		t.Errorf("events %q", topics)
	}
}
