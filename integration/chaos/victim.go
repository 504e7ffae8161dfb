package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types/runc/options"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/integration/harness"
)

// victim is the container of a round, whichever way it was made.
type victim struct {
	daemon    *harness.Daemon
	fifos     *harness.FIFOs
	id        string
	namespace string
	sandbox   string // id of its sandbox; empty: it has none
	start     func(ctx context.Context) error
	remove    func(ctx context.Context) error

	mu   sync.Mutex
	init harness.Process // zero: not known yet
}

const (
	memberName = "main"
	memberKey  = harness.LifecyclePrefix + memberName
)

// newVictim creates the container of a plan; it is not started.
func newVictim(ctx context.Context, d *harness.Daemon, p *plan, s *slot) (*victim, error) {
	g, err := newFIFOs(d)
	if err != nil {
		return nil, err
	}
	v := &victim{daemon: d, fifos: g}
	switch p.Kind {
	case pod:
		err = v.createPod(ctx, p, s)
	case group:
		err = v.createGroup(ctx, p, s)
	default:
		err = v.createTask(ctx, p, s, harness.LifecycleKey, nil)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", p, err), g.Remove())
	}
	return v, nil
}

// newFIFOs makes the directory that a container shares with the driver, with the
// pages of its server.
func newFIFOs(d *harness.Daemon) (*harness.FIFOs, error) {
	g, err := d.NewFIFOs()
	if err != nil {
		return nil, err
	}
	cgi := filepath.Join(g.Dir, "www", "cgi-bin")
	const page = "#!/bin/sh\n%s\nprintf 'Content-Type: text/plain\\r\\n\\r\\nok\\n'\n"
	return g, errors.Join(
		os.MkdirAll(cgi, 0o755),
		os.WriteFile(filepath.Join(g.Dir, "www", "index.html"), []byte("ok\n"), 0o644),
		os.WriteFile(filepath.Join(cgi, "slow"), fmt.Appendf(nil, page, "sleep 0.7"), 0o755),
		os.WriteFile(filepath.Join(cgi, "hang"), fmt.Appendf(nil, page, "sleep 1000"), 0o755))
}

func (v *victim) createPod(ctx context.Context, p *plan, s *slot) error {
	sandbox, err := v.daemon.CRI.RunPod(ctx, harness.PodOptions{Handler: s.name, Annotations: map[string]string{memberKey: p.lifecycle()}})
	if err != nil {
		return err
	}
	v.namespace, v.sandbox, v.remove = harness.CRINamespace, sandbox.ID, sandbox.Remove
	c, err := sandbox.CreateContainer(ctx, harness.ContainerOptions{
		Name: memberName, Mounts: v.fifos.Mounts(), Command: []string{"sh", "-c", p.entrypoint()},
	})
	if err != nil {
		return errors.Join(err, sandbox.Remove(ctx))
	}
	v.id, v.start = c.ID, c.Start
	return nil
}

// createGroup makes a pod as a client of the Task API can: a sandbox, and a
// member that the sandbox's shim serves.
func (v *victim) createGroup(ctx context.Context, p *plan, s *slot) error {
	sandbox := &victim{daemon: v.daemon, fifos: v.fifos}
	idle := *p
	idle.Init, idle.Kind = "polite", task
	if err := sandbox.createTask(ctx, &idle, s, harness.ContainerTypeKey, map[string]string{harness.ContainerTypeKey: "sandbox"}); err != nil {
		return err
	}
	v.sandbox = sandbox.id
	err := sandbox.start(ctx)
	if err == nil {
		err = v.createTask(ctx, p, s, memberKey, map[string]string{harness.ContainerTypeKey: "container", harness.ContainerNameKey: memberName, harness.SandboxIDKey: sandbox.id})
	}
	if err != nil {
		return errors.Join(err, sandbox.remove(ctx))
	}
	member := v.remove
	v.remove = func(ctx context.Context) error { return errors.Join(member(ctx), sandbox.remove(ctx)) }
	return nil
}

// createTask makes a container through the Task API, its hooks under a key.
func (v *victim) createTask(ctx context.Context, p *plan, s *slot, key string, annotations map[string]string) error {
	all := map[string]string{}
	if key != harness.ContainerTypeKey {
		all[key] = p.lifecycle()
	}
	for k, value := range annotations {
		all[k] = value
	}
	command := []string{"sh", "-c", p.entrypoint()}
	if key == harness.ContainerTypeKey {
		command = []string{"sleep", "1000000"}
	}
	t, err := v.daemon.Tasks.Create(ctx, harness.TaskOptions{
		Runtime: harness.BookendRuntime, RuntimeOptions: &options.Options{BinaryName: s.runc()}, Args: command,
		Annotations: all, IO: cio.NullIO,
		Spec: []oci.SpecOpts{oci.WithMounts([]specs.Mount{{
			Type: "bind", Source: v.fifos.Dir, Destination: harness.FIFODir, Options: []string{"bind", "rw"},
		}})},
	})
	if err != nil {
		return err
	}
	v.namespace, v.id, v.start, v.remove = harness.TaskNamespace, t.ID(), t.Start, t.Remove
	v.init, err = harness.ReadProcess(int(t.Pid()))
	return err
}

// context gives ctx the container's namespace.
func (v *victim) context(ctx context.Context) context.Context {
	return namespaces.WithNamespace(ctx, v.namespace)
}

// task finds the container's task; a pod's has none before Start.
func (v *victim) task(ctx context.Context) (containerd.Task, error) {
	c, err := v.daemon.Client.LoadContainer(ctx, v.id)
	if err != nil {
		return nil, err
	}
	return c.Task(ctx, nil)
}

// delete asks for the task's removal as it stands: the client's own Delete looks
// at its state first.
func (v *victim) delete(ctx context.Context) error {
	_, err := v.daemon.Client.TaskService().Delete(v.context(ctx), &tasksapi.DeleteTaskRequest{ContainerID: v.id})
	return err
}

// sendSignal signals the init through containerd, as a client that has looked
// at the task before: a shim whose runtime hangs does not say how it stands.
func (v *victim) sendSignal(ctx context.Context, sig syscall.Signal) error {
	ctx, cancel := context.WithTimeout(v.context(ctx), 20*time.Second)
	defer cancel()
	_, err := v.daemon.Client.TaskService().Kill(ctx, &tasksapi.KillRequest{ContainerID: v.id, Signal: uint32(sig)})
	return err
}

// shim connects to the container's shim, past containerd.
func (v *victim) shim(ctx context.Context) (*harness.Shim, error) {
	return v.daemon.Shim(ctx, v.namespace, v.id)
}

// find looks for the container's init, that of a pod being known only once its
// task is there.
func (v *victim) find(ctx context.Context) harness.Process {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.init.PID == 0 {
		if pid := v.pidOf(ctx, v.id); pid > 0 {
			v.init, _ = harness.ReadProcess(pid)
		}
	}
	return v.init
}

// pidOf asks the shim for the init of one of its containers; 0: it has none.
func (v *victim) pidOf(ctx context.Context, id string) int {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	s, err := v.daemon.Shim(ctx, v.namespace, id)
	if err != nil {
		return 0
	}
	defer s.Close()
	st, err := s.State(s.Context(ctx), &taskapi.StateRequest{ID: id})
	if err != nil {
		return 0
	}
	return int(st.Pid)
}

// alive tells whether the init runs.
func (v *victim) alive(ctx context.Context) bool {
	init := v.find(ctx)
	return init.PID != 0 && init.Alive()
}

// trace reads what the container's processes noted.
func (v *victim) trace(c clock) ([]mark, error) {
	data, err := os.ReadFile(filepath.Join(v.fifos.Dir, "trace"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var marks []mark
	for line := range strings.Lines(string(data)) {
		up, what, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		at, err := c.at(up)
		if !ok || err != nil {
			return nil, fmt.Errorf("trace: %q: %w", line, err)
		}
		marks = append(marks, mark{at, what})
	}
	return marks, nil
}
