package runtime

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/joiner"
)

// How a hook gets into its container, as records and the log have it.
const (
	ByJoiner  = "joiner"
	ByRuntime = "runtime"
)

// planTime bounds what it takes to work out a container's plan, a profile that is
// compiled for the first time included.
const planTime = 10 * time.Second

// RunnerOptions are what a Runner is made of.
type RunnerOptions struct {
	Binary        string // the runtime: a path, a name on PATH, or empty for runc
	SystemdCgroup bool   // it is given --systemd-cgroup
	NoNewKeyring  bool   // it was given --no-new-keyring
	OwnRuntime    bool   // the node's configuration wants hooks to go through it
	Directory     string // where what is found out once on a node is kept
	// Told is called once, when the way is known, and once more where it changes.
	Told func(runner, reason string)
}

// Runner is how exec hooks get into one container: by the joiner, from a plan
// that is worked out once; or by the exec command of the container's own runtime.
type Runner struct {
	RunnerOptions

	once   sync.Once
	ready  chan struct{} // closed when what follows is set
	plan   *ContainerPlan
	filter *joiner.Seccomp // nil: none

	mu     sync.Mutex
	reason string // why the container is entered by its own runtime; empty: it is not
}

// NewRunner returns the Runner of a container.
func NewRunner(o RunnerOptions) *Runner {
	if o.Binary == "" {
		o.Binary = nameRunc
	}
	// One that is not found would not have made the container. It is the
	// runtime's call that then fails, if it comes to one.
	if found, err := exec.LookPath(o.Binary); err == nil {
		o.Binary = found
	}
	if found, err := filepath.Abs(o.Binary); err == nil {
		o.Binary = found
	}
	return &Runner{RunnerOptions: o, ready: make(chan struct{})}
}

// Plan begins to work out how hooks get into c, which the runtime has made, and
// returns at once. A hook does it where it was not done.
func (e *Executor) Plan(ctx context.Context, c Container) {
	r := c.Runner
	r.once.Do(func() {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), planTime)
		go func() {
			defer stop()
			defer close(r.ready)
			if err := hooks.Recovered(func() error { return r.makePlan(ctx, e, c) }); err != nil {
				r.useRuntime(err)
			} else {
				r.Told(ByJoiner, "")
			}
		}()
	})
}

// makePlan works out the plan. Its error is why there is none.
func (r *Runner) makePlan(ctx context.Context, e *Executor, c Container) error {
	switch {
	case r.OwnRuntime:
		return errByConfiguration
	case c.Cgroup == nil:
		return errNoCgroup
	}
	if _, err := e.joiner.get(); err != nil {
		return err
	}
	id, err := e.identities(r.Directory).identify(ctx, r.Binary, boundedRun(e.monitor))
	if err != nil {
		return err
	}
	plan, err := readPlan(planSource{
		ID: c.ID, Bundle: c.Bundle, Init: c.Init, Runtime: id, Unified: c.Cgroup.isUnified(), NoNewKeyring: r.NoNewKeyring,
	})
	if err != nil {
		return err
	}
	if plan.Seccomp != nil {
		programs, err := e.programs(r.Directory)
		if err != nil {
			return err
		}
		if r.filter, err = programs.Program(ctx, plan.Seccomp, id); err != nil {
			return err
		}
	}
	plan.Seccomp = nil // it is compiled
	r.plan = plan
	return nil
}

// identities returns what is known of runtimes below dir.
func (e *Executor) identities(dir string) identityFiles {
	e.mu.Lock()
	defer e.mu.Unlock()
	known, ok := e.runtimes[dir]
	if !ok {
		known = newIdentityFiles(dir)
		e.runtimes[dir] = known
	}
	return known
}

// programs returns the compiler of seccomp profiles that keeps them below dir.
func (e *Executor) programs(dir string) (*SeccompPrograms, error) {
	if e.helper.err != nil {
		return nil, fmt.Errorf("linux.seccomp: %w", e.helper.err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.compilers[dir]; p != nil {
		return p, nil
	}
	st, err := e.helper.file.Stat()
	if err != nil {
		return nil, err
	}
	compiler, err := binaryIdentity(e.helper.file.Name(), st)
	if err != nil {
		return nil, err
	}
	p := NewSeccompPrograms(filepath.Join(dir, "seccomp"), compiler, e.compile)
	e.compilers[dir] = p
	return p, nil
}

// awaitPlan waits until the way is known: a plan, or nil for the runtime's own exec.
func (r *Runner) awaitPlan(ctx context.Context, e *Executor, c Container) (*ContainerPlan, error) {
	e.Plan(ctx, c)
	select {
	case <-r.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return r.plan, nil
}

// useRuntime notes why hooks go through the container's own runtime, and tells
// each new reason once.
func (r *Runner) useRuntime(err error) {
	r.mu.Lock()
	told := r.reason == err.Error()
	r.reason = err.Error()
	r.mu.Unlock()
	if !told {
		r.Told(ByRuntime, err.Error())
	}
}

// why is the latest reason to go through the runtime.
func (r *Runner) why() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reason
}
