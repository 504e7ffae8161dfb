package integration

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file kill what no client would: shims and pause processes.

// shimPID returns the pid of the shim process that was started for a pod or for
// a container that is not the CRI's.
func shimPID(t *testing.T, d *harness.Daemon, id string) int {
	t.Helper()
	procs, err := d.Processes()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(procs, func(p harness.Process) bool {
		return strings.HasPrefix(p.Comm, "containerd-shim") && slices.Contains(p.Args, id)
	})
	if i < 0 {
		t.Fatalf("no shim of %s among %v", id, procs)
	}
	return procs[i].PID
}

// forgetSocket removes a shim's socket when the test ends: a stock shim whose
// sandbox went before its containers leaves it behind.
func forgetSocket(t *testing.T, d *harness.Daemon, namespace, id string) {
	t.Helper()
	socket, err := d.ShimSocket(namespace, id)
	if err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, func(context.Context) error { return os.Remove(socket) })
}

func killShim(t *testing.T, d *harness.Daemon, id string) {
	t.Helper()
	if err := syscall.Kill(shimPID(t, d, id), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// wantNoProcess waits until the container has no process any more.
func wantNoProcess(t *testing.T, d *harness.Daemon, id string) {
	t.Helper()
	err := harness.Poll(t.Context(), time.Minute, "processes of a dead shim to end", func() error {
		procs, err := d.ProcessesIn(id)
		if len(procs) > 0 {
			return fmt.Errorf("%s has %v", id, procs)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// stoppingPod is a pod whose first member has begun the preStop of a lifecycle.
func stoppingPod(t *testing.T, d *harness.Daemon, lifecycle string) (pod *harness.Pod, main, side *harness.Fixture) {
	t.Helper()
	pod = d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{harness.PodLifecycleKey: lifecycle}})
	main = harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
	side = harness.RunContainer(t, pod, harness.ContainerOptions{Name: "side"})
	main.Kill(syscall.SIGTERM)
	main.Await("pre")
	return pod, main, side
}

func TestShimDeathTakesThePodAlong(t *testing.T) {
	d := shared.Daemon(t)
	log := d.TestEvents(t)
	pod, main, side := stoppingPod(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`)
	if n := len(main.Processes()); n < 3 { // the entrypoint, its sleep, the hook
		t.Fatalf("main has %d processes while its hook runs", n)
	}

	killShim(t, d, pod.ID)
	for _, m := range []*harness.Fixture{main, side} {
		wantNoProcess(t, d, m.ID)
		if _, err := log.WaitTopic(t.Context(), "/tasks/exit", m.ID); err != nil {
			t.Error(err)
		}
		if _, err := m.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
			t.Error(err)
		}
	}
	wantNoProcess(t, d, pod.ID)
	if _, err := log.WaitTopic(t.Context(), "/tasks/exit", pod.ID); err != nil {
		t.Error(err)
	}
	// What is left is for the removal of the pod and the check for leaks.
}

func TestShimDeathDuringPostStartTakesTheContainerAlong(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main", "post")

	killShim(t, d, h.ID)
	if err := wantReply(t, reply); err == nil {
		t.Error("Start succeeded though its shim was killed")
	}
	wantNoProcess(t, d, h.ID)
	h.WantTopic("/tasks/exit")
}

// pausePID returns the pid of a pod's pause process.
func pausePID(t *testing.T, pod *harness.Pod) int {
	t.Helper()
	reply, err := pod.CRI.PodSandboxStatus(t.Context(), &runtimeapi.PodSandboxStatusRequest{PodSandboxId: pod.ID, Verbose: true})
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal([]byte(reply.GetInfo()["info"]), &info); err != nil || info.PID == 0 {
		t.Fatalf("pid of the pause process: %d, %v", info.PID, err)
	}
	return info.PID
}

// awaitNotReady waits until containerd has done with a sandbox that ended by itself.
// Before that it may close its connection to the shim, as 1.7 does, under the call of
// a client that stops the pod.
func awaitNotReady(t *testing.T, pod *harness.Pod) {
	t.Helper()
	err := harness.Poll(t.Context(), time.Minute, "the pod to be not ready", func() error {
		st, err := pod.Status(t.Context())
		if err == nil && st.GetState() == runtimeapi.PodSandboxState_SANDBOX_READY {
			err = errors.New("it is ready")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSandboxWithoutItsPauseProcessKeepsItsContainersAsWithTheStockShim(t *testing.T) {
	d := shared.Daemon(t)
	for _, handler := range []string{harness.Runc, harness.Bookend} {
		t.Run(handler, func(t *testing.T) {
			if handler == harness.Runc && before(t, 4) {
				t.Skip("the stock shim of a containerd before 2.4 stays behind such a pod, and is left by the test")
			}
			log := d.TestEvents(t)
			pod := d.TestPod(t, harness.PodOptions{Handler: handler, Annotations: map[string]string{harness.PodLifecycleKey: noted}})
			main := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
			side := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "side"})
			if handler == harness.Runc {
				forgetSocket(t, d, harness.CRINamespace, pod.ID)
			}
			if err := syscall.Kill(pausePID(t, pod), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if _, err := log.WaitTopic(t.Context(), "/tasks/delete", pod.ID); err != nil {
				t.Error(err)
			}
			awaitNotReady(t, pod)
			for _, m := range []*harness.Fixture{main, side} {
				if got, err := m.Container.Exec(t.Context(), "echo", "alive"); err != nil || got.Stdout != "alive\n" {
					t.Errorf("exec in %s: %+v, %v", m.Container.Name(), got, err)
				}
				m.Stop()
			}
			if handler == harness.Bookend {
				main.WantTrace(notes...)
			} else {
				main.WantTrace("term")
			}
			side.WantTrace("term")
		})
	}
}

// killShimUnseen kills a pod's shim while containerd, which would clean up by
// itself, is not there. The caller relaunches it.
func killShimUnseen(t *testing.T, d *harness.Daemon, id string) {
	t.Helper()
	pid := shimPID(t, d, id)
	if err := d.Terminate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// What containerd waits for: the shim is gone when its connections are.
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "the shim's end", func() error {
		s, err := d.Shim(t.Context(), harness.CRINamespace, id)
		if err == nil {
			return errors.Join(errors.New("it takes connections"), s.Close())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// cleanUpAsContainerdDoes runs the delete action for a dead shim, which is given
// five seconds on a quick machine, with the runc of a directory; empty: the usual one.
func cleanUpAsContainerdDoes(t *testing.T, d *harness.Daemon, id, runc string) error {
	t.Helper()
	ours, _, tools := shims(t)
	ctx, cancel := context.WithTimeout(t.Context(), harness.Scaled(5*time.Second))
	defer cancel()
	bundle := d.Bundle(harness.CRINamespace, id)
	cmd := exec.CommandContext(ctx, ours, "-namespace", harness.CRINamespace, "-address", d.Address(), "-id", id, "-bundle", bundle, "delete")
	cmd.Dir, cmd.Env = bundle, []string{"PATH=" + cmp.Or(runc, tools) + ":/usr/bin:/bin", "BOOKEND_CONFIG=" + d.Path("bookend.toml"), d.Mark()}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("delete: %w: %s", err, out)
	}
	return err
}

// Older containerds ask for the clean-up of a dead shim's sandbox and of
// nothing else; the newest asks for each container. This is the former's call.
func TestShimDeathsCleanUpOfTheSandboxEndsItsContainers(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{harness.PodLifecycleKey: noted}})
	other := harness.RunContainer(t, d.TestPod(t, harness.PodOptions{Handler: harness.Bookend}), harness.ContainerOptions{})
	main := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})

	killShimUnseen(t, d, pod.ID)
	if err := cleanUpAsContainerdDoes(t, d, pod.ID, ""); err != nil {
		t.Error(err)
	}
	wantNoProcess(t, d, pod.ID)
	wantNoProcess(t, d, main.ID)
	if files, err := filepath.Glob(statusPath(d, "*", main.ID)); err != nil || len(files) > 0 {
		t.Errorf("status of a member after the clean-up: %q, %v", files, err)
	}
	if err := d.Relaunch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := main.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
		t.Error(err)
	}
	other.Stop()
	other.WantTrace("term")
}
