package integration

import (
	"context"
	"slices"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/errdefs"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// sandboxEnds are the ways in which a pod's sandbox ends before its containers.
var sandboxEnds = map[string]func(ctx context.Context, sandbox *harness.Task) error{
	"killed": func(ctx context.Context, sandbox *harness.Task) error { return sandbox.Kill(ctx, syscall.SIGKILL) },
	"exits": func(_ context.Context, sandbox *harness.Task) error {
		return syscall.Kill(int(sandbox.Pid()), syscall.SIGKILL)
	},
}

// newSandboxed creates a sandbox that runs, and a container in it that is not
// started. The CRI plugin would do something itself about what is tested here.
func newSandboxed(t *testing.T, d *harness.Daemon, lifecycle string) (sandbox *harness.Task, h *harness.Fixture) {
	t.Helper()
	const key = "io.kubernetes.cri."
	id := harness.NewID("s")
	sandbox, err := d.Tasks.Run(t.Context(), harness.TaskOptions{
		ID: id, Runtime: harness.BookendRuntime, Args: []string{"sleep", "1000"},
		Annotations: map[string]string{key + "container-type": "sandbox", key + "sandbox-id": id},
	})
	if sandbox != nil {
		harness.Cleanup(t, sandbox.Remove)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sandbox, harness.CreateTask(t, d, "", func(o *harness.TaskOptions) {
		o.Annotations = map[string]string{
			key + "container-type": "container", key + "container-name": "main", key + "sandbox-id": id,
			harness.PodLifecycleKey: lifecycle,
		}
	})
}

func TestSandboxThatIsDeadHasItsContainerKilledByStart(t *testing.T) {
	d := shared.Daemon(t)
	for name, end := range sandboxEnds {
		t.Run(name, func(t *testing.T) {
			sandbox, h := newSandboxed(t, d, `{"postStart":`+note("post")+`}`)
			if err := end(t.Context(), sandbox); err != nil {
				t.Fatal(err)
			}
			if _, err := sandbox.Exited(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := h.Start(t.Context()); err != nil {
				t.Errorf("Start: %v; want success, so that the client learns of the exit", err)
			}
			h.WantExit(137)
			if slices.Contains(h.Trace(), "post") {
				t.Error("postStart ran")
			}
		})
	}
}

func TestSandboxThatEndsEndsThePostStartOfItsContainers(t *testing.T) {
	d := shared.Daemon(t)
	for name, end := range sandboxEnds {
		t.Run(name, func(t *testing.T) {
			sandbox, h := newSandboxed(t, d, `{"postStart":{"timeoutSeconds":90,"sleep":{"seconds":1000}}}`)
			reply := h.Begin(t.Context())
			h.WantHookEvent("postStart", "start")
			if err := end(t.Context(), sandbox); err != nil {
				t.Fatal(err)
			}
			if err := wantReply(t, reply); err != nil {
				t.Errorf("Start: %v; want success, so that the client learns of the exit", err)
			}
			h.WantExit(137)
			h.WantHookEvent("postStart", "cancel")
		})
	}
}

// A start that fails says nothing of the sandbox: the next one ends all the same.
func TestSandboxThatIsDeadHasItsContainerKilledByASecondStart(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	sandbox, h := newSandboxed(t, d, `{"postStart":`+note("post")+`}`)
	sw.fail(`*" start "*`)
	if err := sandbox.Kill(t.Context(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err == nil || errdefs.IsAborted(err) {
		t.Errorf("Start: %v; want the runtime's own error", err)
	}
	sw.restore()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Limit(time.Minute))
	defer cancel()
	if err := h.Start(ctx); err != nil {
		t.Errorf("Start: %v; want success, so that the client learns of the exit", err)
	}
	h.WantExit(137)
	if slices.Contains(h.Trace(), "post") {
		t.Error("postStart ran")
	}
}

func TestSandboxThatIsStoppedEndsTheStartOfItsContainers(t *testing.T) {
	d := shared.Daemon(t)
	p := harness.CreateMain(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`, "sleep 1000")
	reply := p.Begin(t.Context())
	p.Await("post")
	if err := p.Container.Pod.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = wantReply(t, reply)
	if _, err := p.Events.WaitTopic(t.Context(), "/tasks/exit", p.Container.ID); err != nil {
		t.Error("the container lives on in a dead sandbox:", err)
	}
	p.WantHookEvent("postStart", "cancel")
	// containerd may close its connection to the pod's shim under its own delete of the
	// container. It asks again a second later, and removes no pod before.
	if _, err := p.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
		t.Error(err)
	}
}
