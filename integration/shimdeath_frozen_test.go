package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about a shim that dies while it holds a hook still, as
// it does for the moment in which it kills one.

// freezeHook freezes the cgroup of a container's exec hook, behind its shim's back.
func freezeHook(t *testing.T, d *harness.Daemon, id string) {
	t.Helper()
	all, err := harness.CgroupsBelow(d.Cgroup())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range all {
		if !harness.IsCgroupOf(filepath.Dir(dir), id) || !strings.HasPrefix(filepath.Base(dir), "bookend-") {
			continue
		}
		state, value := filepath.Join(dir, "freezer.state"), "FROZEN"
		if _, err := os.Stat(state); err != nil {
			state, value = filepath.Join(dir, "cgroup.freeze"), "1"
		}
		if err := os.WriteFile(state, []byte(value), 0); err != nil {
			t.Fatal(err)
		}
		err := harness.Poll(t.Context(), harness.ReadyTimeout, "the hook to be frozen", func() error {
			data, _ := os.ReadFile(state)
			if got := strings.TrimSpace(string(data)); got != value {
				return fmt.Errorf("it is %s", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("no hook of %s has a cgroup", id)
}

func TestShimDeathWithAFrozenHookLeavesNothing(t *testing.T) {
	d := shared.Daemon(t)
	preStop := `{"preStop":{"exec":` + shell(waitingPre) + `}}`
	for _, paused := range []bool{false, true} {
		t.Run(fmt.Sprintf("task, paused %t", paused), func(t *testing.T) {
			h := harness.RunTask(t, d, preStop)
			h.Kill(syscall.SIGTERM)
			h.Await("pre")
			freezeHook(t, d, h.ID)
			if paused {
				if err := h.Task.Pause(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			killShim(t, d, h.ID)
			wantNoProcess(t, d, h.ID)
			h.WantTopic("/tasks/exit")
		})
	}
	t.Run("pod", func(t *testing.T) {
		pod, main, side := frozenPod(t, d, preStop)
		killShim(t, d, pod.ID)
		for _, m := range []*harness.Fixture{main, side} {
			wantNoProcess(t, d, m.ID)
			if _, err := m.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
				t.Error(err)
			}
		}
		wantNoProcess(t, d, pod.ID)
	})
	t.Run("pod, of which the sandbox is asked for", func(t *testing.T) {
		pod, main, side := frozenPod(t, d, preStop)
		pid, err := main.Container.PID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		killShimUnseen(t, d, pod.ID)
		// The init waits for its hook, and shows no cgroup any more.
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := cleanUpAsContainerdDoes(t, d, pod.ID, ""); err != nil {
			t.Error(err)
		}
		for _, id := range []string{main.ID, side.ID, pod.ID} {
			wantNoProcess(t, d, id)
		}
		// It was the shim's: process 1 reaps it now, when it comes to that.
		err = harness.Poll(t.Context(), harness.EndTimeout, "the init to be gone", func() error {
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				return errors.Join(errors.New("it is still there"), err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if err := d.Relaunch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := main.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
			t.Error(err)
		}
	})
}

// frozenPod is a pod whose first member has a frozen preStop.
func frozenPod(t *testing.T, d *harness.Daemon, preStop string) (pod *harness.Pod, main, side *harness.Fixture) {
	t.Helper()
	pod, main, side = stoppingPod(t, d, preStop)
	freezeHook(t, d, main.ID)
	return pod, main, side
}
