package integration

import (
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// TestExecHookIsNoExecOfAClients looks for a hook where clients see execs: in
// events and in the ids beside a container's processes.
func TestExecHookIsNoExecOfAClients(t *testing.T) {
	d := shared.Daemon(t)
	for _, name := range []string{"task", "own pid"} {
		t.Run(name, func(t *testing.T) {
			s := startWith(t, d, kinds[name], entrypoint, `{"postStart":{"exec":`+shell(waitingPost)+`},"preStop":{"exec":`+shell(waitingPre)+`}}`)
			s.await("post")
			ex := s.beside("sleep", "8000")
			s.wantExecs(int(ex.Pid()), "cat /fifo/post-go")
			s.open("post-go")
			if err := wantReply(t, s.reply); err != nil {
				t.Fatal(err)
			}
			s.kill(syscall.SIGTERM)
			s.await("pre")
			s.wantExecs(int(ex.Pid()), "cat /fifo/pre-go")
			s.open("pre-go")
			if _, err := s.events.WaitTopic(t.Context(), "/tasks/exit", s.id); err != nil {
				t.Fatal(err)
			}
			seen := false // the client's, or the test would prove nothing
			for _, e := range s.events.Of(s.id) {
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
func (s *started) wantExecs(client int, command string) {
	s.t.Helper()
	s.awaitCount(1, command)
	hook := s.find(command)
	infos, err := s.task().Pids(namespaces.WithNamespace(s.t.Context(), s.namespace))
	if err != nil || len(hook) == 0 {
		s.t.Fatalf("hook %v, processes: %v", hook, err)
	}
	listed := false
	for _, info := range infos {
		listed = listed || int(info.Pid) == hook[0].PID
		if (info.Info != nil) != (int(info.Pid) == client) {
			s.t.Errorf("process %d is told to be %v; the client's is %d", info.Pid, info.Info, client)
		}
	}
	if !listed {
		s.t.Errorf("the hook's process %d is not among the container's: %v", hook[0].PID, infos)
	}
}
