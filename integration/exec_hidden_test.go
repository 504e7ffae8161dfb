package integration

import (
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// TestExecHookIsNoExecOfAClients looks for a hook where clients see execs: in
// events and in the ids beside a container's processes.
func TestExecHookIsNoExecOfAClients(t *testing.T) {
	d := shared.Daemon(t)
	for _, name := range []string{"task", "own pid"} {
		t.Run(name, func(t *testing.T) {
			h, reply := startWith(t, d, podKinds[name], harness.Entrypoint, `{"postStart":{"exec":`+shell(waitingPost)+`},"preStop":{"exec":`+shell(waitingPre)+`}}`)
			h.Await("post")
			ex := startExec(t, h, "sleep", "8000")
			wantExecs(t, h, int(ex.Pid()), "cat /fifo/post-go")
			h.Open("post-go")
			if err := wantReply(t, reply); err != nil {
				t.Fatal(err)
			}
			h.Kill(syscall.SIGTERM)
			h.Await("pre")
			wantExecs(t, h, int(ex.Pid()), "cat /fifo/pre-go")
			h.Open("pre-go")
			if _, err := h.Events.WaitTopic(t.Context(), "/tasks/exit", h.ID); err != nil {
				t.Fatal(err)
			}
			seen := false // the client's, or the test would prove nothing
			for _, e := range h.Events.Of(h.ID) {
				seen = seen || e.ExecID == "beside"
				if e.ExecID != "" && e.ExecID != "beside" || e.ExecID == "" && strings.HasPrefix(e.Topic, "/tasks/exec") {
					t.Errorf("event %v", e)
				}
			}
			if !seen {
				t.Error("no event of the client's exec")
			}
		})
	}
}

// wantExecs checks that of a container's processes only a client's has an exec
// id, while a hook runs the command.
func wantExecs(t *testing.T, h *harness.Fixture, client int, command string) {
	t.Helper()
	awaitCount(t, h, 1, command)
	hook := find(h, command)
	infos, err := h.Load().Pids(namespaces.WithNamespace(t.Context(), h.Namespace))
	if err != nil || len(hook) == 0 {
		t.Fatalf("hook %v, processes: %v", hook, err)
	}
	listed := false
	for _, info := range infos {
		listed = listed || int(info.Pid) == hook[0].PID
		if (info.Info != nil) != (int(info.Pid) == client) {
			t.Errorf("process %d is told to be %v; the client's is %d", info.Pid, info.Info, client)
		}
	}
	if !listed {
		t.Errorf("the hook's process %d is not among the container's: %v", hook[0].PID, infos)
	}
}
