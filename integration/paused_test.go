package integration

import (
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	containerd "github.com/containerd/containerd/v2/client"
)

func TestPreStopOfAPausedContainer(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`)
	if err := h.Task.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Kill(syscall.SIGTERM)
	if ev := h.WantHookEvent("preStop", "failure"); ev["cause"] != "container is paused" {
		t.Errorf("event %v", ev)
	}
	if err := h.Task.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.WantExit(0)
	h.WantTrace("term")
}

func TestPreStopOfAPausedContainerWaitsForItsResume(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":`+note("pre")+`}`)
	if err := h.Task.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Kill(syscall.SIGTERM)
	awaitStatus(t, d, h.ID, "preStop", "preStop")
	if err := h.Task.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.WantExit(0)
	h.WantTrace("pre", "term")
}

func TestPreStopOfAPausedContainerWaitsNoLongerThanItMay(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"timeoutSeconds":1,"exec":`+shell(quickPre)+`}}`)
	if err := h.Task.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Kill(syscall.SIGTERM)
	ev := h.WantHookEvent("preStop", "timeout")
	if took, _ := time.ParseDuration(ev["duration"]); took < time.Second || took >= 4*time.Second {
		t.Errorf("event %v, want a timeout after 1 s", ev)
	}
	if err := h.Task.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.WantExit(0)
	h.WantTrace("term")
}

func TestPostStartIsFrozenByAPauseAndItsTimeoutIsNot(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"timeoutSeconds":3,"failurePolicy":"Ignore","exec":`+shell(waitingPost+`; echo late >> /fifo/trace`)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	if err := h.Task.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st, err := h.Task.Status(t.Context()); err != nil || st.Status != containerd.Paused {
		t.Errorf("State: %v, %v; want paused", st.Status, err)
	}
	// Nothing but the timeout can end a hook that is frozen.
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
	if ev := h.WantHookEvent("postStart", "timeout"); ev["outcome"] != "TimedOut" {
		t.Errorf("event %v", ev)
	}
	if err := h.Task.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.WantTrace("post")
}
