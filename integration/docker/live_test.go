package docker

import (
	"syscall"
	"testing"

	"github.com/moby/moby/api/types/container"
)

// end ends dockerd and launch starts it again; containers must run on with
// live-restore.
func (e *Engine) end(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := e.End(t.Context(), sig); err != nil {
		t.Fatal(err)
	}
}

func (e *Engine) launch(t *testing.T) {
	t.Helper()
	if err := e.Launch(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestLiveRestoreKeepsHooks(t *testing.T) {
	e := ownEngine(t, Options{LiveRestore: true})
	c := e.Run(t, bothHooks, restart(container.RestartPolicyAlways, 0))
	e.end(t, syscall.SIGTERM)
	c.WantTrace("post")
	e.launch(t)
	c.WantState("running", 0)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.WantState("exited", 0)
	c.WantTrace("post", "pre", "term")
	reply := c.Begin(t.Context())
	c.Await("main")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	c.WantTrace("post", "pre", "term", "post")
}

// The shim holds the start event back until the hook has ended: the new dockerd
// learns from it that the container runs.
func TestLiveRestoreDuringPostStart(t *testing.T) {
	e := ownEngine(t, Options{LiveRestore: true})
	c := e.Create(t, lifecycle(waiting("post"), note("pre")))
	reply := c.Begin(t.Context())
	c.Await("main", "post")
	e.end(t, syscall.SIGKILL)
	if err := wantReply(t, reply); err == nil {
		t.Error("start succeeded without dockerd")
	}
	e.launch(t)
	c.WantTrace("post")
	c.Open("post-go")
	c.WantHookEvent("postStart", "success")
	c.WantState("running", 0)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.WantState("created", 0) // dockerd does not know when it was started
	c.WantTrace("post", "pre", "term")
	if got := c.HookRuns("postStart"); got != 1 {
		t.Errorf("%d runs of postStart", got)
	}
}

// Where the hook ends before the new dockerd is there to hear of it, dockerd does
// not know that the container runs. Another start of it takes its place.
func TestLiveRestoreAfterPostStart(t *testing.T) {
	e := ownEngine(t, Options{LiveRestore: true})
	c := e.Create(t, lifecycle(waiting("post"), note("pre")))
	reply := c.Begin(t.Context())
	c.Await("main", "post")
	e.end(t, syscall.SIGKILL)
	if err := wantReply(t, reply); err == nil {
		t.Error("start succeeded without dockerd")
	}
	c.Open("post-go")
	c.WantHookEvent("postStart", "success")
	e.launch(t)
	c.WantState("created", 0)
	reply = c.Begin(t.Context())
	c.Await("main", "post")
	c.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	c.WantState("running", 0)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.WantState("exited", 0)
	c.WantTrace("post", "post", "pre", "term")
	// dockerd mounted the root file system twice, and unmounts it once.
	if err := syscall.Unmount(e.Path("data", "rootfs", "overlayfs", c.ID), 0); err != nil {
		t.Errorf("unmount the root file system of the container that was lost: %v", err)
	}
}

func TestLiveRestoreDuringPreStop(t *testing.T) {
	e := ownEngine(t, Options{LiveRestore: true})
	c := e.Run(t, lifecycle("", waiting("pre")), restart(container.RestartPolicyUnlessStopped, 0))
	reply := begin(func() error { return c.Stop(60) })
	c.Await("pre")
	e.end(t, syscall.SIGKILL)
	if err := wantReply(t, reply); err == nil {
		t.Error("stop succeeded without dockerd")
	}
	e.launch(t)
	c.WantState("running", 0)
	c.WantTrace("pre")
	c.Open("pre-go")
	c.WantState("exited", 0)
	c.WantTrace("pre", "term")
	if got := c.HookRuns("preStop"); got != 1 {
		t.Errorf("%d runs of preStop", got)
	}
}

// The container ends while there is no dockerd.
func TestLiveRestoreAfterPreStop(t *testing.T) {
	e := ownEngine(t, Options{LiveRestore: true})
	c := e.Run(t, lifecycle("", waiting("pre")))
	reply := begin(func() error { return c.Stop(60) })
	c.Await("pre")
	e.end(t, syscall.SIGKILL)
	if err := wantReply(t, reply); err == nil {
		t.Error("stop succeeded without dockerd")
	}
	c.Open("pre-go")
	c.WantTopic("/tasks/exit")
	e.launch(t)
	c.WantState("exited", 0)
	c.WantTrace("pre", "term")
}

// Without live-restore dockerd stops its containers as docker stop does, and
// starts again those whose policy says so.
func TestShutdownRunsPreStop(t *testing.T) {
	e := ownEngine(t, Options{})
	c := e.Run(t, bothHooks, restart(container.RestartPolicyAlways, 0))
	e.end(t, syscall.SIGTERM)
	c.WantTrace("post", "pre", "term")
	launched := begin(func() error { return e.Launch(t.Context()) })
	c.Await("main")
	if err := wantReply(t, launched); err != nil {
		t.Fatal(err)
	}
	c.WantState("running", 0)
	c.WantTrace("post", "pre", "term", "post")
}
