package harness

import (
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Entrypoint notes the signals it gets in the trace, writes to the FIFO "main"
// when it is ready for them, and ends at SIGTERM.
const Entrypoint = `trap 'echo term >> /fifo/trace; exit 0' TERM
trap 'echo usr1 >> /fifo/trace' USR1
trap 'echo hup >> /fifo/trace' HUP
echo up > /fifo/main
while :; do sleep 1000 & wait; done`

// DeafEntrypoint is one that a stop signal does not end.
var DeafEntrypoint = strings.Replace(Entrypoint, "; exit 0", "", 1)

// fixtureFIFOs are the FIFOs of every [Fixture].
var fixtureFIFOs = []string{"main", "post", "post-go", "pre", "pre-go"}

// AtOnce bounds calls that wait for no hook: far longer than any takes, and
// shorter than the hooks that they are made beside, however slow the machine is.
var AtOnce = min(Scaled(10*time.Second), time.Minute)

// Patience is a grace period that no test waits for.
const Patience = 100 * time.Second

// Fixture is a container for one test and what the test sees of it: the FIFOs
// that it shares with the container (main, post, post-go, pre, pre-go), the trace
// that the container's processes leave beside them, and its events. The container
// is the Task API's or the CRI's. The methods do for both what their clients do;
// what only one of the two can do is done with Task or Container. It is another
// client's where it comes of [NewFixture], and that client starts and stops it.
//
// A method that fails ends the test, but for those whose name begins with Want
// and for those that return an error.
type Fixture struct {
	Daemon    *Daemon
	Namespace string // [TaskNamespace], [CRINamespace] or another client's
	ID        string
	FIFOs     *FIFOs
	Events    *EventLog  // since before the container was created
	Task      *Task      // nil: it is the CRI's, or another client's
	Container *Container // nil: it is the Task API's, or another client's

	tb testing.TB
}

// NewFixture makes a fixture of a container that another client will create in a
// namespace: the test sets its ID then, and has FIFODir mounted from FIFOs.
func NewFixture(tb testing.TB, d *Daemon, namespace string) *Fixture {
	tb.Helper()
	return &Fixture{Daemon: d, Namespace: namespace, FIFOs: d.TestFIFOs(tb, fixtureFIFOs...), Events: d.TestEvents(tb), tb: tb}
}

// CreateTask creates a container of the Task API with a Lifecycle object; it is
// not started.
func CreateTask(tb testing.TB, d *Daemon, lifecycle string, edit ...func(*TaskOptions)) *Fixture {
	tb.Helper()
	f := NewFixture(tb, d, TaskNamespace)
	opts := TaskOptions{
		Runtime:     BookendRuntime,
		Args:        []string{"sh", "-c", Entrypoint},
		Annotations: map[string]string{LifecycleKey: lifecycle},
		Spec: []oci.SpecOpts{oci.WithMounts([]specs.Mount{{
			Type: "bind", Source: f.FIFOs.Dir, Destination: FIFODir, Options: []string{"bind", "rw"},
		}})},
	}
	for _, e := range edit {
		e(&opts)
	}
	var err error
	if f.Task, err = d.Tasks.Create(tb.Context(), opts); err != nil {
		tb.Fatal(err)
	}
	Cleanup(tb, f.Task.Remove)
	f.ID = f.Task.ID()
	return f
}

// RunTask is [CreateTask] and [Fixture.Run].
func RunTask(tb testing.TB, d *Daemon, lifecycle string, edit ...func(*TaskOptions)) *Fixture {
	tb.Helper()
	f := CreateTask(tb, d, lifecycle, edit...)
	f.Run()
	return f
}

// CreateContainer creates a container of a pod, whose annotations give it hooks;
// it is not started.
func CreateContainer(tb testing.TB, pod *Pod, opts ContainerOptions) *Fixture {
	tb.Helper()
	d := pod.CRI.daemon
	f := NewFixture(tb, d, CRINamespace)
	opts.Mounts = f.FIFOs.Mounts()
	if opts.Command == nil && opts.Image == "" {
		opts.Command = []string{"sh", "-c", Entrypoint}
	}
	var err error
	if f.Container, err = pod.CreateContainer(tb.Context(), opts); err != nil {
		tb.Fatal(err)
	}
	f.ID = f.Container.ID
	return f
}

// RunContainer is [CreateContainer] and [Fixture.Run].
func RunContainer(tb testing.TB, pod *Pod, opts ContainerOptions) *Fixture {
	tb.Helper()
	f := CreateContainer(tb, pod, opts)
	f.Run()
	return f
}

// CreateMain creates a pod and in it the container "main", which has a Lifecycle
// object and runs a script; it is not started.
func CreateMain(tb testing.TB, d *Daemon, lifecycle, script string) *Fixture {
	tb.Helper()
	pod := d.TestPod(tb, PodOptions{Handler: Bookend, Annotations: map[string]string{PodLifecycleKey: lifecycle}})
	return CreateContainer(tb, pod, ContainerOptions{Name: "main", Command: []string{"sh", "-c", script}})
}
