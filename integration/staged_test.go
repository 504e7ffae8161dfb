package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// The tests in this file look at the process of an exec postStart that waits
// for its time in a container that was only created.

// gateComm is what such a process calls itself.
const gateComm = "bookend-gate"

// atGate returns the processes that wait in a container.
func (h *hooked) atGate() []Process {
	h.t.Helper()
	return slices.DeleteFunc(inCgroup(h.t, h.daemon, h.ID()), func(p Process) bool { return p.Comm != gateComm })
}

func (h *hooked) awaitAtGate(n int) []Process {
	h.t.Helper()
	var found []Process
	err := poll(h.t.Context(), time.Minute, "the processes at the gate", func() error {
		if found = h.atGate(); len(found) != n {
			return fmt.Errorf("%v, want %d", found, n)
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

func TestAnExecPostStartIsTheProcessThatWaitedForIt(t *testing.T) {
	d := shared.Daemon(t)
	const script = waitingPost + "; exit 0" // or the shell becomes its last command
	h := newHooked(t, d, `{"postStart":{"exec":`+shell(script)+`},"preStop":{"exec":`+shell(waitingPre)+`}}`)
	waiting := h.awaitAtGate(1)[0]
	h.wantTrace()
	reply := h.begin(t.Context())
	h.await("main")
	h.await("post")
	hook, err := ReadProcess(waiting.PID)
	if err != nil || hook.Comm != "sh" || !slices.Contains(hook.Args, script) || slices.Contains(hook.Args, gateComm) {
		t.Errorf("the process that waited is %v, %v; want the hook", hook, err)
	}
	h.open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
	// No process of a later hook may sit in the container all its life.
	h.awaitAtGate(0)
}

// What ends a container before its time ends the process that waits in it.
func TestNobodyWaitsInAContainerThatIsNotToStart(t *testing.T) {
	d := shared.Daemon(t)
	for name, end := range map[string]func(ctx context.Context, h *hooked) error{
		"deleted": func(ctx context.Context, h *hooked) error { return h.Remove(ctx) },
		"killed":  func(ctx context.Context, h *hooked) error { return h.Kill(ctx, syscall.SIGKILL) },
		"stopped": func(ctx context.Context, h *hooked) error { return h.Kill(ctx, syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHooked(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
			h.awaitAtGate(1)
			if err := end(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			h.awaitAtGate(0)
			h.wantTrace()
		})
	}
}

// A Start that the runtime fails leaves the container created, and nobody in it
// who would wait for another one.
func TestNobodyWaitsAfterAStartThatFailed(t *testing.T) {
	d := shared.Daemon(t)
	h := newHooked(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
	h.awaitAtGate(1)
	// The init waits for somebody to open this; runc finds nothing to open.
	if err := os.Remove(filepath.Join(runcRoots, TaskNamespace, h.ID(), "exec.fifo")); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err == nil {
		t.Fatal("Start succeeded without runc's FIFO")
	}
	h.awaitAtGate(0)
	h.wantTrace()
}

// A container that the runtime cannot make leaves nothing of what was begun for
// its hook in the shim of its pod, which lives on.
func TestNobodyWaitsForAContainerThatCannotBeMade(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, PodOptions{Handler: Bookend})
	c, err := pod.CreateContainer(t.Context(), ContainerOptions{
		Name: "app", Command: []string{"/not/there"},
		Annotations: map[string]string{"lifecycle.bookend.dev/app": `{"postStart":{"exec":` + shell("true") + `}}`},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err == nil {
		t.Fatal("a container without a command was started")
	}
	shim := shimPID(t, d, pod.ID)
	err = poll(t.Context(), time.Minute, "the end of the shim's children", func() error {
		procs, err := processesOf(d.Dir)
		procs = slices.DeleteFunc(procs, func(p Process) bool { return p.PPID != shim })
		if err == nil && len(procs) > 1 { // the pause process
			err = fmt.Errorf("children of the shim: %v", procs)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestNobodyWaitsWithoutAnExecPostStart(t *testing.T) {
	d := shared.Daemon(t)
	for _, lifecycle := range []string{
		`{"preStop":{"exec":` + shell(quickPre) + `}}`,
		`{"postStart":{"sleep":{"seconds":0}},"preStop":{"exec":` + shell(quickPre) + `}}`,
	} {
		h := runHooked(t, d, lifecycle)
		if found := h.atGate(); len(found) != 0 {
			t.Errorf("%s: %v", lifecycle, found)
		}
	}
}
