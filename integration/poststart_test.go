package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"bookend.dev/bookend/integration/harness"
)

// The tests in this file are the rows of postStart.

func TestPostStartRunsBesideTheEntrypoint(t *testing.T) {
	d := shared.Daemon(t)
	// Each waits for the other: neither could if one went first.
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(`echo hook > /fifo/post; cat /fifo/post-go`)+`}}`, func(o *harness.TaskOptions) {
		o.Args = []string{"sh", "-c", `cat /fifo/post; echo up > /fifo/main; echo go > /fifo/post-go; exec sleep 1000`}
	})
	reply := h.Begin(t.Context())
	h.Await("main")
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
}

func TestPostStartWithholdsStartForAsLongAsItRuns(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	stillWithheld(t, reply)
	if st, err := h.Task.Status(t.Context()); err != nil || st.Status != containerd.Running {
		t.Errorf("State during postStart: %v, %v; want running", st.Status, err)
	}
	// Another event of the task passes while TaskStart is held.
	if err := h.Task.Pause(t.Context()); err != nil {
		t.Error(err)
	}
	h.WantTopic("/tasks/paused")
	if err := h.Task.Resume(t.Context()); err != nil {
		t.Error(err)
	}
	stillWithheld(t, reply)
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
	h.WantTopics("/tasks/create", "/tasks/paused", "/tasks/resumed", "/tasks/start")
}

func TestPostStartRunsForNoSecondStart(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	if err := h.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot start a running process") {
		t.Errorf("second Start: %v, want the runtime's own error", err)
	}
	stillWithheld(t, reply)
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
	h.WantTrace("post")
	h.Kill(syscall.SIGKILL)
	if _, err := h.Task.Delete(t.Context(), containerd.WithProcessKill); err != nil { // it waits for a hook that runs
		t.Error(err)
	}
	if ran := attempts(t, d.RecordsDir(), h.ID); len(ran) != 1 {
		t.Errorf("postStart ran %d times, want once: %+v", len(ran), ran)
	}
}

func TestPostStartThatFailsStopsTheContainerAsTheKubeletDoes(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(`cat /fifo/post-go; echo secret; exit 3`)+`},"preStop":{"exec":`+shell(quickPre)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main")
	h.Open("post-go")
	err := wantReply(t, reply)
	if !isAborted(t, err) || !strings.Contains(err.Error(), "FailedPostStartHook: exec: exit status 3 after ") {
		t.Errorf("Start: %v, want Aborted with FailedPostStartHook, handler, exit status and duration", err)
	}
	if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "post-go")) {
		t.Errorf("Start's error tells output or arguments: %v", err)
	}
	h.WantTrace("pre", "term")
	h.WantTopics("/tasks/create", "/tasks/start", "/tasks/exit")
	ev := h.WantHookEvent("postStart", "failure")
	if ev["reason"] != "FailedPostStartHook" || ev["exit_code"] != "3" || ev["handler"] != "exec" {
		t.Errorf("event %v", ev)
	}
}

func TestPostStartThatFailsEndsADeafContainerBySIGKILL(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"terminationGracePeriodSeconds":1,"postStart":{"exec":`+shell(`cat /fifo/post-go; exit 1`)+`}}`,
		func(o *harness.TaskOptions) { o.Args[2] = harness.DeafEntrypoint })
	reply := h.Begin(t.Context())
	h.Await("main")
	h.Open("post-go")
	if err := wantReply(t, reply); !isAborted(t, err) {
		t.Errorf("Start: %v, want Aborted", err)
	}
	h.WantTrace("term")
	h.WantExit(137)
}

func TestPostStartThatFailsHasItsStopCutBeforeStartsDeadline(t *testing.T) {
	d := shared.Daemon(t)
	// Without the cut the hook and the grace period would last for hours.
	h := harness.CreateTask(t, d, `{"terminationGracePeriodSeconds":7200,"postStart":{"exec":`+shell(`cat /fifo/post-go; exit 1`)+`},"preStop":{"sleep":{"seconds":3600}}}`,
		func(o *harness.TaskOptions) { o.Args[2] = harness.DeafEntrypoint })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second+harness.Scaled(3*time.Second))
	defer cancel()
	reply := h.Begin(ctx)
	h.Await("main")
	h.Open("post-go")
	if err := wantReply(t, reply); !isAborted(t, err) || !strings.Contains(err.Error(), "FailedPostStartHook") {
		t.Errorf("Start: %v, want Aborted with the hook's failure: the cut leaves time for it to be heard", err)
	}
	if end, _ := ctx.Deadline(); time.Until(end) < 2*time.Second {
		t.Errorf("Start replied %s before its deadline, want it cut 5 s before", time.Until(end))
	}
	h.WantExit(137)
}

func TestPostStartFailsForEveryReason(t *testing.T) {
	d := shared.Daemon(t)
	for name, tt := range map[string]struct{ hook, want string }{
		"killed by a signal":      {`{"exec":` + shell(`cat /fifo/post-go; kill -9 $$`) + `}`, "exec: killed by signal 9 (SIGKILL) after "},
		"no such command":         {`{"exec":{"command":["/no/such/command"]}}`, "exec: command not found after "},
		"no permission":           {`{"exec":{"command":["/etc/passwd"]}}`, "exec: permission denied after "},
		"transport error":         {`{"httpGet":{"port":9}}`, "httpGet: connection failed after "},
		"timeout":                 {`{"timeoutSeconds":1,"sleep":{"seconds":1000}}`, "sleep: timed out after 1"},
		"timeout in exec's place": {`{"exec":{"command":["sleep","1000"],"timeoutSeconds":1}}`, "exec: timed out after 1"},
	} {
		t.Run(name, func(t *testing.T) {
			h := harness.CreateTask(t, d, `{"terminationGracePeriodSeconds":1,"postStart":`+tt.hook+`}`)
			reply := h.Begin(t.Context())
			if strings.Contains(tt.hook, "post-go") {
				h.Await("main")
				h.Open("post-go")
			}
			if err := wantReply(t, reply); !isAborted(t, err) || !strings.Contains(err.Error(), "FailedPostStartHook: "+tt.want) {
				t.Errorf("Start: %v, want Aborted with %q", err, tt.want)
			}
			// By SIGTERM, or by SIGKILL where the hook was faster than the trap.
			ctx, cancel := context.WithTimeout(t.Context(), harness.Limit(time.Minute))
			defer cancel()
			if _, err := h.Task.Exited(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPostStartFailureThatIsIgnoredLetsTheContainerRun(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"postStart":{"failurePolicy":"Ignore","exec":`+shell("exit 4")+`}}`)
	if st, err := h.Task.Status(t.Context()); err != nil || st.Status != containerd.Running {
		t.Errorf("State: %v, %v; want running", st.Status, err)
	}
	if ev := h.WantHookEvent("postStart", "failure"); ev["reason"] != "FailedPostStartHook" {
		t.Errorf("event %v", ev)
	}
	if !strings.Contains(d.Log(), "FailedPostStartHook: exec: exit status 4") {
		t.Error("the failure is not in the log")
	}
	h.WantTrace()
}

func TestPostStartIsRetriedUntilItSucceeds(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"postStart":{"retries":5,"exec":`+shell(`echo try >> /fifo/trace; test $(wc -l < /fifo/trace) -ge 3`)+`}}`)
	h.WantTrace("try", "try", "try")
	if ev := h.WantHookEvent("postStart", "success"); ev["attempts"] != "3" {
		t.Errorf("event %v, want 3 attempts", ev)
	}
}

func TestPostStartEndsWhenTheInitExitsByItself(t *testing.T) {
	d := shared.Daemon(t)
	for name, hook := range map[string]string{
		"exec":  `{"exec":` + shell(waitingPost) + `}`,
		"sleep": `{"sleep":{"seconds":1000}}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := harness.CreateTask(t, d, `{"postStart":`+hook+`,"preStop":{"exec":`+shell(quickPre)+`}}`, func(o *harness.TaskOptions) {
				o.Args = []string{"sh", "-c", "cat /fifo/pre-go; exit 7"}
			})
			reply := h.Begin(t.Context())
			if name == "exec" {
				h.Await("post")
			} else {
				h.WantHookEvent("postStart", "start")
			}
			h.Open("pre-go")
			if err := wantReply(t, reply); err != nil {
				t.Errorf("Start: %v, want success: the client is to learn the exit code", err)
			}
			h.WantExit(7)
			h.WantTopics("/tasks/create", "/tasks/start", "/tasks/exit")
			if ev := h.WantHookEvent("postStart", "cancel"); ev["outcome"] != "Cancelled" {
				t.Errorf("event %v", ev)
			}
		})
	}
}

func TestPostStartKeepsTheExitCodeOfAShortLivedInit(t *testing.T) {
	d := shared.Daemon(t)
	for range 5 {
		h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell("exit 0")+`}}`, func(o *harness.TaskOptions) {
			o.Args = []string{"sh", "-c", "exit 5"}
		})
		if err := wantReply(t, h.Begin(t.Context())); err != nil {
			t.Errorf("Start: %v, want success: the init's exit wins", err)
		}
		h.WantExit(5)
		h.WantTopics("/tasks/create", "/tasks/start", "/tasks/exit")
	}
}

func TestPostStartIsEndedBySIGKILL(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`},"preStop":{"exec":`+shell(quickPre)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	h.Kill(syscall.SIGKILL)
	if err := wantReply(t, reply); err != nil {
		t.Errorf("Start: %v, want success", err)
	}
	h.WantExit(137)
	h.WantTrace("post")
	h.WantTopics("/tasks/create", "/tasks/start", "/tasks/exit")
}

func TestPostStartThatIsNoProcessIsCancelledBySIGKILL(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"sleep":{"seconds":90}}}`)
	reply := h.Begin(t.Context())
	h.Await("main")
	h.Kill(syscall.SIGKILL)
	if err := wantReply(t, reply); err != nil {
		t.Errorf("Start: %v, want success", err)
	}
	h.WantHookEvent("postStart", "cancel")
}

func TestPostStartIsCancelledByAStopSignal(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`},"preStop":{"exec":`+shell(waitingPre)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	if err := h.Task.Kill(t.Context(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	h.Await("pre")
	stillWithheld(t, reply)
	h.Open("pre-go")
	err := wantReply(t, reply)
	if !isAborted(t, err) || !strings.Contains(err.Error(), "stopped while starting") {
		t.Errorf("Start: %v, want Aborted, stopped while starting", err)
	}
	h.WantExit(0)
	h.WantTrace("post", "pre", "term")
	if ev := h.WantHookEvent("postStart", "cancel"); ev["outcome"] != "Cancelled" {
		t.Errorf("event %v", ev)
	}
}

func TestPostStartLetsOtherSignalsPass(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	if err := h.Task.Kill(t.Context(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	h.WantTraceSoon("post", "usr1")
	stillWithheld(t, reply)
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
}

func TestPostStartEndsAtTheDeadlineOfStart(t *testing.T) {
	d := shared.Daemon(t)
	for name, hook := range map[string]string{
		"exec":  `"exec":` + shell(waitingPost),
		"sleep": `"sleep":{"seconds":1000}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := harness.CreateTask(t, d, `{"postStart":{"timeoutSeconds":0,`+hook+`}}`)
			ctx, cancel := context.WithTimeout(t.Context(), harness.Scaled(3*time.Second))
			defer cancel()
			err := wantReply(t, h.Begin(ctx))
			if !errors.Is(err, context.DeadlineExceeded) && !errdefs.IsDeadlineExceeded(err) || !strings.Contains(err.Error(), "deadline of Start") {
				t.Errorf("Start: %v, want DeadlineExceeded in our own words", err)
			}
			h.WantExit(137)
			h.WantHookEvent("postStart", "cancel")
		})
	}
}

func TestPostStartOutlivesItsConnection(t *testing.T) {
	for name, tt := range map[string]struct {
		exit, logged string
		want         containerd.ProcessStatus
		trace        []string
	}{
		"and succeeds": {"0", "hook ended: Succeeded", containerd.Running, []string{"post"}},
		"and fails":    {"1", "FailedPostStartHook: exec: exit status 1", containerd.Stopped, []string{"post", "term"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := shared.Daemon(t)
			h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost+`; exit `+tt.exit)+`}}`)
			reply := h.Begin(t.Context())
			h.Await("main", "post")
			if err := d.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := wantReply(t, reply); err == nil {
				t.Error("Start succeeded for a client whose connection was lost")
			}
			h.Open("post-go")
			h.WantLog(tt.logged) // events that nobody was there to take may be lost
			err := harness.Poll(t.Context(), harness.ReadyTimeout, "the task's state", func() error {
				st, err := h.Task.Status(t.Context())
				if err == nil && st.Status != tt.want {
					err = fmt.Errorf("it is %s, want %s", st.Status, tt.want)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			h.WantTrace(tt.trace...)
		})
	}
}

func TestPostStartIsEndedByNoDelete(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	if _, err := h.Task.Delete(t.Context()); !errdefs.IsFailedPrecondition(err) {
		t.Errorf("Delete: %v, want FailedPrecondition", err)
	}
	// That was the client library's own check. This is the shim's.
	shim, err := d.Shim(t.Context(), harness.TaskNamespace, h.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer shim.Close()
	_, err = shim.Delete(shim.Context(t.Context()), &taskapi.DeleteRequest{ID: h.ID})
	if err == nil || !strings.Contains(err.Error(), "cannot delete a running process") {
		t.Errorf("Delete: %v, want what the stock shim says of a running task", err)
	}
	stillWithheld(t, reply)
	if _, err := h.Task.Delete(t.Context(), containerd.WithProcessKill); err != nil {
		t.Errorf("Delete with the kill that clients send first: %v", err)
	}
	if err := wantReply(t, reply); err != nil {
		t.Errorf("Start: %v, want success, as after SIGKILL", err)
	}
	h.WantTopics("/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete")
}

func TestPostStartFailureIsShownByTheCRI(t *testing.T) {
	d := shared.Daemon(t)
	p := harness.CreateMain(t, d, `{"postStart":{"exec":`+shell(waitingPost+"; exit 9")+`}}`, harness.Entrypoint)
	reply := p.Begin(t.Context())
	p.Await("main", "post")
	if st, err := p.Container.Status(t.Context()); err != nil || st.GetState() != runtimeapi.ContainerState_CONTAINER_CREATED {
		t.Errorf("during postStart: %v, %v; want CREATED", st.GetState(), err)
	}
	p.Open("post-go")
	if err := wantReply(t, reply); err == nil || !strings.Contains(err.Error(), "FailedPostStartHook: exec: exit status 9") {
		t.Errorf("StartContainer: %v", err)
	}
	st, err := p.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED)
	if err != nil {
		t.Fatal(err)
	}
	if st.GetReason() != "StartError" || st.GetExitCode() != 128 || !strings.Contains(st.GetMessage(), "FailedPostStartHook") {
		t.Errorf("reason %s, exit code %d, message %q; want StartError, 128 and the hook's failure", st.GetReason(), st.GetExitCode(), st.GetMessage())
	}
}
