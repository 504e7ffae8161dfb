package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	"github.com/containerd/ttrpc"
)

// TaskNamespace is the containerd namespace of [Tasks], and CRINamespace that
// of pods.
const (
	TaskNamespace = "default"
	CRINamespace  = "k8s.io"
)

// Tasks runs containers as ctr and nerdctl do: without the CRI, through
// containerd's own client.
type Tasks struct{ daemon *Daemon }

// TaskOptions describes a container that is not the CRI's.
type TaskOptions struct {
	ID      string // empty: a new one
	Runtime string // a runtime's name or a shim's path; empty: the stock shim
	// RuntimeOptions is the options message given to the runtime; nil: none.
	RuntimeOptions any
	Image          string // empty: [BusyboxImage]
	Args           []string
	Env            []string // NAME=value
	Annotations    map[string]string
	Spec           []oci.SpecOpts // applied last
	// IO makes the streams; nil: FIFOs, of which [Task.Stdout] and [Task.Stderr]
	// tell what came.
	IO cio.Creator
}

// Task is a container and its task.
type Task struct {
	containerd.Task
	Container containerd.Container

	stdout, stderr *output
}

// Create makes a container and creates its task, which [Task.Start] starts.
// Where that fails nothing of it is left.
func (t *Tasks) Create(ctx context.Context, opts TaskOptions) (*Task, error) {
	if opts.ID == "" {
		opts.ID = NewID("t")
	}
	ctx = namespaces.WithNamespace(ctx, TaskNamespace)
	container, err := t.newContainer(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("container %s: %w", opts.ID, err)
	}
	task := &Task{Container: container, stdout: &output{}, stderr: &output{}}
	if opts.IO == nil {
		opts.IO = task.streams(t.daemon)
	}
	task.Task, err = container.NewTask(ctx, opts.IO)
	if err != nil {
		err = fmt.Errorf("create task %s: %w", opts.ID, err)
		return nil, errors.Join(err, container.Delete(context.WithoutCancel(ctx), containerd.WithSnapshotCleanup))
	}
	return task, nil
}

func (t *Tasks) newContainer(ctx context.Context, opts TaskOptions) (containerd.Container, error) {
	if opts.Runtime == "" {
		opts.Runtime = RuncRuntime
	}
	if opts.Image == "" {
		opts.Image = BusyboxImage
	}
	image, err := t.daemon.Client.GetImage(ctx, opts.Image)
	if err != nil {
		return nil, err
	}
	spec := []oci.SpecOpts{
		oci.WithDefaultSpec(), oci.WithImageConfigArgs(image, opts.Args), oci.WithEnv(opts.Env),
		oci.WithAnnotations(opts.Annotations), oci.WithCgroup(t.daemon.CgroupsPath(opts.ID)),
	}
	return t.daemon.Client.NewContainer(ctx, opts.ID,
		containerd.WithImage(image),
		containerd.WithSnapshotter(t.daemon.snapshotter),
		containerd.WithNewSnapshot(opts.ID, image),
		containerd.WithRuntime(opts.Runtime, withDriver(opts.Runtime, opts.RuntimeOptions)),
		containerd.WithNewSpec(append(spec, opts.Spec...)...))
}

// LoadTask returns a container's task as another client of containerd sees it.
func (d *Daemon) LoadTask(ctx context.Context, namespace, id string) (containerd.Task, error) {
	ctx = namespaces.WithNamespace(ctx, namespace)
	c, err := d.Client.LoadContainer(ctx, id)
	if err != nil {
		return nil, err
	}
	return c.Task(ctx, nil)
}

// Run is [Tasks.Create] and [Task.Start]. A task that fails to start is
// returned beside the error.
func (t *Tasks) Run(ctx context.Context, opts TaskOptions) (*Task, error) {
	task, err := t.Create(ctx, opts)
	if err != nil {
		return nil, err
	}
	return task, task.Start(ctx)
}

func (t *Task) streams(d *Daemon) cio.Creator {
	return cio.NewCreator(cio.WithStreams(nil, t.stdout, t.stderr), cio.WithFIFODir(d.Path("fifo")))
}

// Restore makes the container's task anew from a checkpoint; the one before is
// deleted, and the new one not started.
func (t *Task) Restore(ctx context.Context, d *Daemon, checkpoint containerd.Image) (err error) {
	t.Task, err = t.Container.NewTask(ctx, t.streams(d), containerd.WithTaskCheckpoint(checkpoint))
	return err
}

// Stdout and Stderr return what the task has printed so far.
func (t *Task) Stdout() string { return t.stdout.String() }

// Stderr is [Task.Stdout]'s sibling.
func (t *Task) Stderr() string { return t.stderr.String() }

// Exited waits until the task's init has exited and returns its exit code, that
// of a signal n being 128+n.
func (t *Task) Exited(ctx context.Context) (int, error) {
	exited, err := t.Wait(ctx)
	if err != nil {
		return 0, fmt.Errorf("wait for task %s: %w", t.ID(), err)
	}
	select {
	case status := <-exited:
		if err := status.Error(); err != nil {
			return 0, fmt.Errorf("wait for task %s: %w", t.ID(), err)
		}
		return int(status.ExitCode()), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for task %s: %w", t.ID(), ctx.Err())
	}
}

// Remove kills the task where it runs, and removes task, container and snapshot.
func (t *Task) Remove(ctx context.Context) error {
	err := Poll(ctx, EndTimeout, "task "+t.ID()+" to take its kill", func() error {
		err := t.Kill(ctx, syscall.SIGKILL)
		switch {
		case err == nil, errdefs.IsNotFound(err), errdefs.IsFailedPrecondition(err):
			return nil
		case strings.Contains(err.Error(), ttrpc.ErrClosed.Error()):
			return err // its shim has died, which containerd is about to see
		}
		return Permanent(err)
	})
	if err != nil {
		return err
	}
	if _, err := t.Delete(ctx, containerd.WithProcessKill); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("delete task %s: %w", t.ID(), err)
	} else if err != nil && t.IO() != nil {
		// containerd's client keeps the FIFOs of a task that is gone by itself, as one
		// is whose shim has died.
		t.IO().Cancel()
		_ = t.IO().Close() // an error: they were closed before
	}
	if err := t.Container.Delete(ctx, containerd.WithSnapshotCleanup); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("delete container %s: %w", t.ID(), err)
	}
	return nil
}

// output collects what a task prints while others read it.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
