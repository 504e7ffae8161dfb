package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// The tests in this file are about cgroups v2 that are frozen: the container's by
// its client, and the one above by whoever manages the node.

func freeze(t *testing.T, dir string, on bool) {
	t.Helper()
	writeCgroup(t, dir, "cgroup.freeze", map[bool]string{true: "1", false: "0"}[on])
	awaitFrozen(t, dir, on)
}

func awaitFrozen(t *testing.T, dir string, on bool) {
	t.Helper()
	want := map[bool]string{true: "1", false: "0"}[on]
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "the freezer", func() error {
		data, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
		if err == nil && !strings.Contains(string(data), "frozen "+want) {
			err = fmt.Errorf("cgroup.events: %s", data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// frozenAbove runs a container with a preStop whose parent's cgroup can be frozen, and
// thaws that at the end.
func frozenAbove(t *testing.T, d *harness.Daemon, preStop string) (h *harness.Fixture, above string) {
	t.Helper()
	h = harness.RunTask(t, d, `{"preStop":{`+preStop+`}}`, cgroup2("ro"))
	above = filepath.Dir(cgroup2Dir(t, h.Init()))
	harness.Cleanup(t, func(context.Context) error {
		return os.WriteFile(filepath.Join(above, "cgroup.freeze"), []byte("0"), 0)
	})
	return h, above
}

// A hook is not run in a container that is frozen from above, which the runtime knows
// nothing of, and the stop goes on.
func TestCgroup2PreStopOfAContainerThatIsFrozenFromAbove(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	h, above := frozenAbove(t, d, `"exec":`+shell(quickPre))
	freeze(t, above, true)
	h.Kill(syscall.SIGTERM)
	if ev := h.WantHookEvent("preStop", "failure"); ev["cause"] != "container is paused" {
		t.Errorf("event %v", ev)
	}
	freeze(t, above, false)
	h.WantExit(0)
	h.WantTrace("term")
}

// The time of a hook that is frozen runs out, and the kernel kills it as it is: with a
// grandchild that has left its session and its parents, which only its cgroup tells.
func TestCgroup2TimeoutOfAHookThatIsFrozenFromAbove(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	h, above := frozenAbove(t, d, runsOut(15)+`"exec":`+shell(`sleep 7001 & setsid sh -c 'setsid sh -c "sleep 7002; exit 1" & exit 0' & `+waitingPre))
	h.Kill(syscall.SIGTERM)
	h.Await("pre")
	awaitCount(t, h, 1, "sleep 7001", "sleep 7002", "cat /fifo/pre-go")
	freeze(t, above, true)
	if ev := h.WantHookEvent("preStop", "timeout"); ev["outcome"] != "TimedOut" {
		t.Errorf("event %v", ev)
	}
	awaitCount(t, h, 0, "sleep 7001", "sleep 7002", "cat /fifo/pre-go")
	wantNoHookCgroup(t, cgroup2Dir(t, h.Init()))
	wantAlive(t, "the init", h.Init())
	freeze(t, above, false)
	h.WantExit(0)
	h.WantTrace("pre", "term")
}

// SIGKILL ends a container that is paused, with the hook in it.
func TestCgroup2SIGKILLOfAPausedContainerWithAHook(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`, cgroup2("ro"))
	h.Kill(syscall.SIGTERM)
	h.Await("pre")
	awaitCount(t, h, 1, "cat /fifo/pre-go")
	if err := h.Task.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Kill(syscall.SIGKILL)
	h.WantExit(128 + int(syscall.SIGKILL))
	awaitAttempts(t, d, h.ID, "preStop Cancelled cancelled")
	h.WantTrace("pre")
}

// Whoever writes cgroup.kill of the container's cgroup kills its hook with it: that is
// the container's end, and no failure of the hook.
func TestCgroup2KillOfTheContainersCgroup(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`, cgroup2("ro"))
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	writeCgroup(t, cgroup2Dir(t, h.Init()), "cgroup.kill", "1")
	if err := wantReply(t, reply); err != nil {
		t.Errorf("Start: %v; want success, and the exit code of the container", err)
	}
	h.WantExit(128 + int(syscall.SIGKILL))
	awaitAttempts(t, d, h.ID, "postStart Cancelled cancelled")
}
