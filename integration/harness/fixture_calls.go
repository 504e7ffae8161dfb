package harness

import (
	"context"
	"fmt"
	"syscall"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

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

// Poll is [Poll] for a minute, and ends the test where that fails.
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
