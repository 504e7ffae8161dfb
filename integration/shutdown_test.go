package integration

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/errdefs"
)

// A shim is shut down as soon as its last container is deleted. What it has to tell
// then, and a containerd that is slow has not taken yet, must not be lost.
func TestEventsOfTheLastHookOutliveTheShutdown(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"sleep":{"seconds":0}}}`)
	shim, err := d.Shim(t.Context(), harness.TaskNamespace, h.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer shim.Close()
	ctx, pid := shim.Context(t.Context()), shimPID(t, d, h.ID)

	// containerd takes nothing from here on: the first event is under way for as long
	// as that is so, the second waits for it.
	signalDaemon(t, d, syscall.SIGSTOP)
	if _, err := shim.Kill(ctx, &taskapi.KillRequest{ID: h.ID, Signal: uint32(syscall.SIGTERM)}); err != nil {
		t.Error(err)
	}
	if _, err := shim.Wait(ctx, &taskapi.WaitRequest{ID: h.ID}); err != nil {
		t.Error(err)
	}
	if _, err := shim.Delete(ctx, &taskapi.DeleteRequest{ID: h.ID}); err != nil {
		t.Error(err)
	}
	if _, err := shim.Shutdown(ctx, &taskapi.ShutdownRequest{ID: h.ID}); err != nil {
		t.Error(err)
	}
	err = harness.Poll(t.Context(), time.Second/2, "the shim's end", func() error {
		if p, err := harness.ReadProcess(pid); err == nil && p.State != 'Z' {
			return errors.New("it waits for its events")
		}
		return nil
	})
	if err == nil {
		t.Error("the shim has ended while its events waited")
	}
	signalDaemon(t, d, syscall.SIGCONT)
	h.WantHookEvent("preStop", "success")
	// It has seen the shim go, and cleans up after it.
	err = harness.Poll(t.Context(), harness.ReadyTimeout, "containerd to forget the task", func() error {
		if err := h.Task.Kill(t.Context(), syscall.SIGKILL); !errdefs.IsNotFound(err) {
			return errors.Join(errors.New("it knows it"), err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Some releases of containerd ask for a shutdown after the delete of each container of
// a pod, since they take the shim for that container's own: it goes on for the others.
func TestDeleteOfAContainerLeavesThePodItsShim(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{
		harness.PodLifecycleKey: noted, harness.LifecyclePrefix + "side": noted,
	}})
	main := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
	side := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "side"})
	before := shimPID(t, d, pod.ID)
	main.Stop()
	main.WantTrace(notes...)
	if err := main.Container.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Whatever this release has sent: the others do that.
	shim, err := d.Shim(t.Context(), harness.CRINamespace, pod.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer shim.Close()
	if _, err := shim.Shutdown(shim.Context(t.Context()), &taskapi.ShutdownRequest{ID: main.ID}); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if got, err := side.Container.Exec(t.Context(), "echo", "alive"); err != nil || got.Stdout != "alive\n" {
		t.Errorf("exec in the other container: %+v, %v", got, err)
	}
	side.Stop()
	side.WantTrace(notes...)
	if after := shimPID(t, d, pod.ID); after != before {
		t.Errorf("the pod's shim is process %d, was %d", after, before)
	}
}

// signalDaemon signals containerd; one that was stopped goes on when the test ends.
func signalDaemon(t *testing.T, d *harness.Daemon, sig syscall.Signal) {
	t.Helper()
	pid := d.PID()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
	if sig == syscall.SIGSTOP {
		harness.Cleanup(t, func(context.Context) error { return syscall.Kill(pid, syscall.SIGCONT) })
	}
}
