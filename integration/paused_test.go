package integration

import (
	"syscall"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
)

func TestPreStopOfAPausedContainer(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`)
	if err := h.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.kill(syscall.SIGTERM)
	if ev := wantHookEvent(t, h.events, h.ID(), "preStop", "failure"); ev["cause"] != "container is paused" {
		t.Errorf("event %v", ev)
	}
	if err := h.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.wantExit(0)
	h.wantTrace("term")
}

func TestPreStopOfAPausedContainerWaitsForItsResume(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":`+note("pre")+`}`)
	if err := h.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.kill(syscall.SIGTERM)
	awaitStatus(t, d, h.ID(), "preStop", "preStop")
	if err := h.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.wantExit(0)
	h.wantTrace("pre", "term")
}

func TestPreStopOfAPausedContainerWaitsNoLongerThanItMay(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":{"timeoutSeconds":1,"exec":`+shell(quickPre)+`}}`)
	if err := h.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.kill(syscall.SIGTERM)
	ev := wantHookEvent(t, h.events, h.ID(), "preStop", "timeout")
	if took, _ := time.ParseDuration(ev["duration"]); took < time.Second || took >= 4*time.Second {
		t.Errorf("event %v, want a timeout after 1 s", ev)
	}
	if err := h.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.wantExit(0)
	h.wantTrace("term")
}

func TestPostStartIsFrozenByAPauseAndItsTimeoutIsNot(t *testing.T) {
	d := shared.Daemon(t)
	h := newHooked(t, d, `{"postStart":{"timeoutSeconds":3,"failurePolicy":"Ignore","exec":`+shell(waitingPost+`; echo late >> /fifo/trace`)+`}}`)
	reply := h.begin(t.Context())
	h.await("main")
	h.await("post")
	if err := h.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st, err := h.Status(t.Context()); err != nil || st.Status != containerd.Paused {
		t.Errorf("State: %v, %v; want paused", st.Status, err)
	}
	// Nothing but the timeout can end a hook that is frozen.
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
	if ev := wantHookEvent(t, h.events, h.ID(), "postStart", "timeout"); ev["outcome"] != "TimedOut" {
		t.Errorf("event %v", ev)
	}
	if err := h.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.wantTrace("post")
}
