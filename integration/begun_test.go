package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/pkg/oci"
)

// The tests in this file look at the process of an exec postStart that joins
// its container while the runtime starts the entrypoint.

// joinerComm is what such a process calls itself.
const joinerComm = "bookend-joiner"

// waiting returns the processes that wait in a container to become its hook.
func waiting(h *harness.Fixture) []harness.Process {
	return slices.DeleteFunc(h.Processes(), func(p harness.Process) bool { return p.Comm != joinerComm })
}

func awaitWaiting(t *testing.T, h *harness.Fixture, n int) []harness.Process {
	t.Helper()
	var found []harness.Process
	err := harness.Poll(t.Context(), time.Minute, "the processes that wait", func() error {
		if found = waiting(h); len(found) != n {
			return fmt.Errorf("%v, want %d", found, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The hook joins while the runtime starts the entrypoint, and runs nothing before
// that is done.
func TestPostStartExecJoinsBesideTheStartOfItsContainer(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	const script = waitingPost + "; exit 0" // or the shell becomes its last command
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(script)+`},"preStop":{"exec":`+shell(waitingPre)+`}}`)
	if found := h.Processes(); len(found) != 1 {
		t.Errorf("in a container that is only created: %v, want its init alone", found)
	}
	release := sw.hang("*' start '*")
	reply := h.Begin(t.Context())
	sw.awaitHung()
	joined := awaitWaiting(t, h, 1)[0]
	h.WantTrace()
	release()
	h.Await("main", "post")
	hook, err := harness.ReadProcess(joined.PID)
	if err != nil || hook.Comm != "sh" || !slices.Contains(hook.Args, script) {
		t.Errorf("the process that waited is %v, %v; want the hook", hook, err)
	}
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
	awaitWaiting(t, h, 0)
}

// What a Start that fails has begun is gone before it replies.
func TestPostStartLeavesNoProcessAfterAStartThatFailed(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
	// The init waits for somebody to open this; runc finds nothing to open.
	if err := os.Remove(filepath.Join(harness.RuncRoot, harness.TaskNamespace, h.ID, "exec.fifo")); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err == nil {
		t.Fatal("Start succeeded without runc's FIFO")
	}
	if found := h.Processes(); len(found) != 1 {
		t.Errorf("after a Start that failed: %v, want the init alone", found)
	}
	h.WantTrace()
}

// What ends a container while it is started ends the process that waits in it.
func TestPostStartLeavesNoProcessInAContainerThatIsKilledWhileItStarts(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
	release := sw.hang("*' start '*")
	reply := h.Begin(t.Context())
	sw.awaitHung()
	joined := awaitWaiting(t, h, 1)[0]
	if err := syscall.Kill(int(h.Task.Pid()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	err := harness.Poll(t.Context(), time.Minute, "the end of the process that waits", func() error {
		if joined.Alive() {
			return fmt.Errorf("%v", joined)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	release()
	if err := wantReply(t, reply); err == nil {
		t.Error("Start succeeded")
	}
	h.WantTrace()
}

// A limit of the container that has no room for another process beside its init
// keeps the hook out until the entrypoint runs.
func TestPostStartExecBeginsAfterTheStartWhereThereIsNoRoom(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`, func(o *harness.TaskOptions) {
		o.Spec = append(o.Spec, oci.WithPidsLimit(24))
	})
	release := sw.hang("*' start '*")
	reply := h.Begin(t.Context())
	sw.awaitHung()
	if found := waiting(h); len(found) != 0 {
		t.Errorf("began in a container without room: %v", found)
	}
	release()
	h.Await("post")
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
}
