package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	// BookendRuntime is the runtime type that clients other than the CRI name.
	BookendRuntime = "io.containerd.bookend.v2"
	// LifecycleKey is the annotation of containers that are not the CRI's, and
	// PodLifecycleKey that of a pod's container "main".
	LifecycleKey    = "bookend.dev/lifecycle"
	PodLifecycleKey = "lifecycle.bookend.dev/main"
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

const (
	// AtOnce bounds calls that wait for no hook: far longer than any takes, and
	// shorter than the hooks that they are made beside.
	AtOnce = 10 * time.Second
	// Patience is a grace period that no test waits for.
	Patience = 100 * time.Second
)

// Fixture is a container for one test and what the test sees of it: the FIFOs
// that it shares with the container (main, post, post-go, pre, pre-go), the trace
// that the container's processes leave beside them, and its events. The container
// is the Task API's or the CRI's. The methods do for both what their clients do;
// what only one of the two can do is done with Task or Container.
//
// A method that fails ends the test, but for those whose name begins with Want
// and for those that return an error.
type Fixture struct {
	Daemon    *Daemon
	Namespace string // [TaskNamespace] or [CRINamespace]
	ID        string
	FIFOs     *FIFOs
	Events    *EventLog  // since before the container was created
	Task      *Task      // nil: it is the CRI's
	Container *Container // nil: it is the Task API's

	tb testing.TB
}

// CreateTask creates a container of the Task API with a Lifecycle object; it is
// not started.
func CreateTask(tb testing.TB, d *Daemon, lifecycle string, edit ...func(*TaskOptions)) *Fixture {
	tb.Helper()
	f := &Fixture{Daemon: d, Namespace: TaskNamespace, FIFOs: d.TestFIFOs(tb, fixtureFIFOs...), Events: d.TestEvents(tb), tb: tb}
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
	f := &Fixture{Daemon: d, Namespace: CRINamespace, FIFOs: d.TestFIFOs(tb, fixtureFIFOs...), Events: d.TestEvents(tb), tb: tb}
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

// Start is the client's call that starts the container.
func (f *Fixture) Start(ctx context.Context) error {
	if f.Task != nil {
		return f.Task.Start(ctx)
	}
	return f.Container.Start(ctx)
}

// Begin calls Start and returns the channel of its reply.
func (f *Fixture) Begin(ctx context.Context) <-chan error {
	reply := make(chan error, 1)
	go func() { reply <- f.Start(ctx) }()
	return reply
}

// Run starts the container, whose postStart waits for nothing, and waits until its
// entrypoint takes signals.
func (f *Fixture) Run() {
	f.tb.Helper()
	if err := f.Start(f.tb.Context()); err != nil {
		f.tb.Fatal(err)
	}
	f.Await("main")
	if f.Task != nil {
		return
	}
	// The shell's child comes after that; who takes stock beside it, while another
	// container of the pod comes and goes, must not find it new.
	f.poll("the entrypoint's sleep", func() error {
		procs, err := f.Daemon.ProcessesIn(f.ID)
		if err == nil && len(procs) < 2 {
			err = fmt.Errorf("there are %v", procs)
		}
		return err
	})
}

// poll is [Poll] for a minute, and ends the test where that fails.
func (f *Fixture) poll(what string, check func() error) {
	f.tb.Helper()
	if err := Poll(f.tb.Context(), time.Minute, what, check); err != nil {
		f.tb.Fatal(err)
	}
}

// Load returns the container's task as another client of containerd sees it.
func (f *Fixture) Load() containerd.Task {
	f.tb.Helper()
	task, err := f.Daemon.LoadTask(f.tb.Context(), f.Namespace, f.ID)
	if err != nil {
		f.tb.Fatal(err)
	}
	return task
}

// Init returns the pid of the container's init.
func (f *Fixture) Init() int {
	f.tb.Helper()
	return int(f.Load().Pid())
}

// Processes returns the processes in the container's cgroups.
func (f *Fixture) Processes() []Process {
	f.tb.Helper()
	procs, err := f.Daemon.ProcessesIn(f.ID)
	if err != nil {
		f.tb.Fatal(err)
	}
	return procs
}

// Kill sends a signal by the Task API, also to a container of the CRI, which has
// no such call; one that is not answered at once fails.
func (f *Fixture) Kill(sig syscall.Signal, opts ...containerd.KillOpts) {
	f.tb.Helper()
	ctx, cancel := context.WithTimeout(namespaces.WithNamespace(f.tb.Context(), f.Namespace), AtOnce)
	defer cancel()
	var task containerd.Task = f.Task
	if f.Task == nil {
		task = f.Load()
	}
	if err := task.Kill(ctx, sig, opts...); err != nil {
		f.tb.Fatalf("signal %d: %v", sig, err)
	}
}

// Stop ends the container as its client does, and checks that the entrypoint was
// told rather than killed.
func (f *Fixture) Stop() {
	f.tb.Helper()
	if f.Task != nil {
		f.Kill(syscall.SIGTERM)
	} else if err := f.Container.Stop(f.tb.Context(), Limit(Patience)); err != nil {
		f.tb.Fatal(err)
	}
	f.WantExit(0)
}

// BeginStop calls StopContainer and returns the channel of its reply.
func (f *Fixture) BeginStop() <-chan error {
	reply := make(chan error, 1)
	go func() { reply <- f.Container.Stop(f.tb.Context(), Patience) }()
	return reply
}

// WantExit waits for the init's exit and checks its code.
func (f *Fixture) WantExit(code int) {
	f.tb.Helper()
	ctx, cancel := context.WithTimeout(f.tb.Context(), Limit(time.Minute))
	defer cancel()
	var got int
	var err error
	if f.Task != nil {
		got, err = f.Task.Exited(ctx)
	} else {
		var st *runtimeapi.ContainerStatus
		st, err = f.Container.WaitState(ctx, runtimeapi.ContainerState_CONTAINER_EXITED)
		got = int(st.GetExitCode())
	}
	if err != nil || got != code {
		f.tb.Errorf("exit code %d, %v; want %d", got, err, code)
	}
}

// Await waits until something writes a line into each FIFO, one after the other.
func (f *Fixture) Await(fifos ...string) {
	f.tb.Helper()
	for _, name := range fifos {
		if _, err := f.FIFOs.Await(f.tb.Context(), name); err != nil {
			f.tb.Fatal(err)
		}
	}
}

// Open lets through what reads the FIFO.
func (f *Fixture) Open(fifo string) {
	f.tb.Helper()
	if err := f.FIFOs.Open(f.tb.Context(), fifo); err != nil {
		f.tb.Fatal(err)
	}
}

// Trace is what the container's processes noted in /fifo/trace, in order.
func (f *Fixture) Trace() []string {
	f.tb.Helper()
	data, err := os.ReadFile(filepath.Join(f.FIFOs.Dir, "trace"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.tb.Fatal(err)
	}
	return strings.Fields(string(data))
}

// WantTrace checks the trace as it is.
func (f *Fixture) WantTrace(want ...string) {
	f.tb.Helper()
	if got := f.Trace(); !slices.Equal(got, want) {
		f.tb.Errorf("trace %q, want %q", got, want)
	}
}

// WantTraceSoon waits for the trace to be what is wanted.
func (f *Fixture) WantTraceSoon(want ...string) {
	f.tb.Helper()
	err := Poll(f.tb.Context(), time.Minute, "the trace", func() error {
		if got := f.Trace(); !slices.Equal(got, want) {
			return fmt.Errorf("it is %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		f.tb.Error(err)
	}
}

// WantLog waits for a line about the container in the log of the shims.
func (f *Fixture) WantLog(text string) {
	f.tb.Helper()
	f.Daemon.WantLog(f.tb, f.ID, text)
}
