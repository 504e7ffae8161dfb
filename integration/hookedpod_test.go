package integration

import (
	"context"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// hookedPod is a pod whose container "main" has hooks; it is not started.
type hookedPod struct {
	t         *testing.T
	pod       *harness.Pod
	container *harness.Container
	fifos     *harness.FIFOs
	events    *harness.EventLog
}

func newHookedPod(t *testing.T, d *harness.Daemon, lifecycle, script string) *hookedPod {
	t.Helper()
	p := &hookedPod{t: t, fifos: d.TestFIFOs(t, fifoNames...), events: d.TestEvents(t)}
	p.pod = d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{podLifecycleKey: lifecycle}})
	var err error
	p.container, err = p.pod.CreateContainer(t.Context(), harness.ContainerOptions{
		Name: "main", Mounts: p.fifos.Mounts(), Command: []string{"sh", "-c", script},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// begin calls StartContainer and returns the channel of its reply.
func (p *hookedPod) begin() <-chan error {
	reply := make(chan error, 1)
	go func() { reply <- p.container.Start(p.t.Context()) }()
	return reply
}

func (p *hookedPod) await(fifo string) {
	p.t.Helper()
	if _, err := p.fifos.Await(p.t.Context(), fifo); err != nil {
		p.t.Fatal(err)
	}
}

func (p *hookedPod) open(fifo string) {
	p.t.Helper()
	if err := p.fifos.Open(p.t.Context(), fifo); err != nil {
		p.t.Fatal(err)
	}
}

// nullIO is for execs of which nobody reads the output.
func nullIO(id string) (cio.IO, error) { return cio.NullIO(id) }

// execIn runs a command as an exec of a pod's container by the Task API, which
// the CRI does not allow before Start has replied.
func execIn(ctx context.Context, t *testing.T, d *harness.Daemon, id string) {
	t.Helper()
	ctx = namespaces.WithNamespace(ctx, harness.CRINamespace)
	task := loadTask(t, d, harness.CRINamespace, id)
	spec, err := task.Spec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	spec.Process.Args = []string{"true"}
	ex, err := task.Exec(ctx, "ex", spec.Process, nullIO)
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
