package integration

import (
	"context"
	"fmt"
	"testing"

	"bookend.dev/bookend/integration/harness"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

func TestPostStartThatNeverEndsHoldsNothingElseUp(t *testing.T) {
	d := shared.Daemon(t)
	p := harness.CreateMain(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`, harness.Entrypoint)
	id := p.Container.ID
	reply := p.Begin(t.Context())
	p.Await("main", "post")

	besides, cancel := context.WithTimeout(t.Context(), 3*harness.AtOnce) // of several calls
	defer cancel()
	other, err := p.Container.Pod.RunContainer(besides, harness.ContainerOptions{Name: "other", Command: []string{"sh", "-c", harness.Entrypoint}, Mounts: p.FIFOs.Mounts()})
	if err != nil {
		t.Fatalf("another container of the pod: %v", err)
	}
	p.Await("main") // it takes signals
	if got, err := other.Exec(besides, "echo", "hi"); err != nil || got.Stdout != "hi\n" {
		t.Errorf("exec in another container of the pod: %+v, %v", got, err)
	}
	if err := other.Stop(besides, harness.Patience); err != nil {
		t.Errorf("stop of another container of the pod: %v", err)
	}

	s, err := d.Shim(t.Context(), harness.CRINamespace, id)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, call := range map[string]func(ctx context.Context) error{
		"State":   func(ctx context.Context) error { _, err := s.State(ctx, &taskapi.StateRequest{ID: id}); return err },
		"Connect": func(ctx context.Context) error { _, err := s.Connect(ctx, &taskapi.ConnectRequest{ID: id}); return err },
		"Pids":    func(ctx context.Context) error { _, err := s.Pids(ctx, &taskapi.PidsRequest{ID: id}); return err },
		"Stats":   func(ctx context.Context) error { _, err := s.Stats(ctx, &taskapi.StatsRequest{ID: id}); return err },
	} {
		ctx, cancel := context.WithTimeout(s.Context(t.Context()), harness.AtOnce)
		if err := call(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	ctx, cancel := context.WithTimeout(s.Context(t.Context()), 3*harness.AtOnce) // of several calls
	defer cancel()
	execIn(ctx, t, p)
	waited := make(chan error, 1)
	go func() {
		st, err := s.Wait(ctx, &taskapi.WaitRequest{ID: id})
		if err == nil && st.ExitStatus != 137 {
			err = fmt.Errorf("exit status %d, want 137", st.ExitStatus)
		}
		waited <- err
	}()
	stillWithheld(t, reply)
	if _, err := s.Kill(ctx, &taskapi.KillRequest{ID: id, Signal: 9}); err != nil {
		t.Error(err)
	}
	if err := wantReply(t, waited); err != nil {
		t.Errorf("Wait: %v", err)
	}
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
}

// execIn runs a command as an exec of a pod's container by the Task API, which
// the CRI does not allow before Start has replied.
func execIn(ctx context.Context, t *testing.T, h *harness.Fixture) {
	t.Helper()
	ctx = namespaces.WithNamespace(ctx, harness.CRINamespace)
	task := h.Load()
	spec, err := task.Spec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	spec.Process.Args = []string{"true"}
	ex, err := task.Exec(ctx, "ex", spec.Process, cio.NullIO)
	if err != nil {
		t.Fatal(err)
	}
	exited, err := ex.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := ex.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if st := <-exited; st.ExitCode() != 0 {
		t.Errorf("exec: exit code %d, %v", st.ExitCode(), st.Error())
	}
	if _, err := ex.Delete(ctx); err != nil {
		t.Error(err)
	}
}
