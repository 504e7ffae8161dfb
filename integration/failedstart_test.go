package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	containerd "github.com/containerd/containerd/v2/client"
	"golang.org/x/sys/unix"
)

func TestStartFailsAsTheRuntimeSaysAndNoHookRuns(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	created := map[string]*harness.Task{}
	for _, runtime := range []string{"io.containerd.runc.v2", harness.BookendRuntime} {
		task, err := d.Tasks.Create(t.Context(), harness.TaskOptions{
			Runtime: runtime, Annotations: map[string]string{harness.LifecycleKey: `{"postStart":{"sleep":{"seconds":0}}}`},
		})
		if err != nil {
			t.Fatal(err)
		}
		harness.Cleanup(t, task.Remove)
		created[runtime] = task
	}
	sw.fail(`*" start "*`)
	said := map[string]string{}
	for runtime, task := range created {
		err := task.Start(t.Context())
		if err == nil {
			t.Fatalf("%s: Start succeeded with a runtime that fails", runtime)
		}
		said[runtime] = err.Error()
	}
	sw.restore()
	if said[harness.BookendRuntime] != said["io.containerd.runc.v2"] {
		t.Errorf("the two runtimes say %q", said)
	}
	task := created[harness.BookendRuntime]
	if _, err := task.Delete(t.Context(), containerd.WithProcessKill); err != nil { // it waits for a hook that runs
		t.Error(err)
	}
	if ran := attempts(t, d.RecordsDir(), task.ID()); len(ran) > 0 {
		t.Errorf("a hook ran: %+v", ran)
	}
}

func TestCreateFailsAsTheRuntimeSays(t *testing.T) {
	d := shared.Daemon(t)
	said := map[string]string{}
	for _, runtime := range []string{"io.containerd.runc.v2", harness.BookendRuntime} {
		task, err := d.Tasks.Create(t.Context(), harness.TaskOptions{
			Runtime: runtime, Args: []string{"/no/such/command"},
			Annotations: map[string]string{harness.LifecycleKey: `{"postStart":{"sleep":{"seconds":0}}}`},
		})
		if err == nil {
			harness.Cleanup(t, task.Remove)
			t.Fatalf("%s: Create succeeded without the entrypoint", runtime)
		}
		said[runtime] = afterLast(err.Error())
	}
	if said[harness.BookendRuntime] != said["io.containerd.runc.v2"] {
		t.Errorf("the two runtimes say %q", said)
	}
}

// afterLast leaves of a runtime's error what does not name the container.
func afterLast(text string) string { return text[strings.LastIndex(text, "exec:"):] }

func TestStartWaitsForAnotherThatFails(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.CreateTask(t, d, `{"postStart":`+note("post")+`}`)
	fifo := filepath.Join(sw.dir, "go")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// The first start fails when it is told to; it takes the reason with it.
	sw.put(fmt.Appendf(nil, "#!/bin/sh\ncase \"$*\" in *\" start \"*) if mv %[1]s/go %[1]s/taken 2>/dev/null; then cat %[1]s/taken; exit 1; fi;; esac\nexec %[2]s \"$@\"\n", sw.dir, sw.real))
	shims := make([]*harness.Shim, 2)
	for i := range shims {
		var err error
		if shims[i], err = d.Shim(t.Context(), harness.TaskNamespace, h.ID); err != nil {
			t.Fatal(err)
		}
		defer shims[i].Close()
	}
	replies := make(chan error, 2)
	start := func(s *harness.Shim) {
		go func() {
			_, err := s.Start(s.Context(t.Context()), &taskapi.StartRequest{ID: h.ID})
			replies <- err
		}()
	}
	start(shims[0])
	err := harness.Poll(t.Context(), time.Minute, "the first start", func() error {
		_, err := os.Stat(sw.dir + "/taken")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	start(shims[1])
	// Each of these calls is behind that one on its connection, once it was sent.
	ctx := shims[1].Context(t.Context())
	for range 20 {
		if _, err := shims[1].State(ctx, &taskapi.StateRequest{ID: "none"}); err == nil {
			t.Fatal("State of no container succeeded")
		}
	}
	f, err := os.OpenFile(sw.dir+"/taken", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	got := []error{wantReply(t, replies), wantReply(t, replies)}
	if (got[0] == nil) == (got[1] == nil) {
		t.Errorf("the two calls of Start returned %v; want one failure", got)
	}
	h.WantTrace("post")
	h.Await("main")
	h.Kill(syscall.SIGTERM)
	h.WantExit(0)
}

// The start goes through, and the runtime tells neither of it nor of the state.
func TestStartThatFailsOnlyToTellKeepsPreStop(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.CreateTask(t, d, `{"preStop":`+note("pre")+`}`)
	sw.put(fmt.Appendf(nil, "#!/bin/sh\ncase \"$*\" in *' start '*) %[1]s \"$@\"; exit 1;; *' state '*) exit 1;; esac\nexec %[1]s \"$@\"\n", sw.real))
	if err := h.Start(t.Context()); err == nil {
		t.Error("Start succeeded")
	}
	h.Await("main")
	sw.restore()
	h.Kill(syscall.SIGTERM)
	h.WantExit(0)
	h.WantTrace("pre", "term")
}
