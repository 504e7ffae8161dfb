package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/joiner"
	"bookend.dev/bookend/runtime/wire"
)

// joinOptions are what differs between starts of the joiner for one hook.
type joinOptions struct {
	gated bool
	null  *os.File // stdin where the container has no null device
}

// startJoiner starts the joiner with the plan of the hook. In an error nothing
// has been started.
func (h *execHandler) startJoiner(ctx context.Context, plan *ContainerPlan, user *wire.User, o joinOptions) (*execRun, error) {
	p, err := plan.For(h.spec, user)
	if err != nil {
		return nil, err
	}
	r, stdout, stderr, err := newExecRun(ctx, h, ByJoiner)
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	defer stderr.Close()
	p.AwaitStart, p.Seccomp = o.gated, h.container.Runner.filter
	r.planCgroups(&p)
	if err := r.runJoiner(h.executor, plan, p, joiner.Files{Stdout: stdout, Stderr: stderr, Null: o.null}); err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

// planCgroups plans where the hook is counted. On v2 a hook in a cgroup of its own
// has a cgroup namespace of its own too, where its container has one: seen from the
// container's, what limits it would be nowhere.
func (r *execRun) planCgroups(p *joiner.Plan) {
	p.Cgroups = r.container.Cgroup.joins(r.cgroup, r.container.Init)
	if p.Unified && r.cgroup != nil && p.Namespaces&unix.CLONE_NEWCGROUP != 0 {
		p.Namespaces &^= unix.CLONE_NEWCGROUP
		p.OwnCgroupNamespace = true
	}
}

func (r *execRun) runJoiner(e *Executor, plan *ContainerPlan, p joiner.Plan, files joiner.Files) (err error) {
	var news *os.File
	if r.said, news, err = os.Pipe(); err != nil {
		return err
	}
	defer news.Close()
	files.News = news
	if p.AwaitStart {
		if files.Start, r.gate, err = os.Pipe(); err != nil {
			return errors.Join(err, r.said.Close())
		}
		defer files.Start.Close()
	}
	if err = plan.giveTo(p.UID, files); err == nil {
		err = r.launchJoiner(e, p, files)
	}
	if err != nil {
		r.said.Close()
	}
	return err
}

func (r *execRun) launchJoiner(e *Executor, p joiner.Plan, files joiner.Files) error {
	j, err := e.joiner.get()
	if err != nil {
		return err
	}
	cmd, release, err := j.Command(&p, files)
	if err != nil {
		return err
	}
	defer release()
	return r.launch(e.monitor, cmd, func() (wire.Status, error) {
		n, err := joiner.Read(r.said)
		if err != nil {
			return wire.Status{}, err
		}
		if n.Kind == joiner.Failed {
			r.step = n.Step
		}
		return statusOf(n, &p), nil
	})
}

// statusOf is what the joiner tells of a hook, as bookend-exec would.
func statusOf(n joiner.News, p *joiner.Plan) wire.Status {
	switch {
	case n.Kind == joiner.Started:
		return wire.Status{Pid: n.Pid}
	case n.Kind == joiner.Failed:
		return wire.Status{Failure: &wire.Failure{Reason: reasonOf(n), Message: messageOf(n, p)}}
	case n.NeverRan && n.Status.Signaled() && n.Status.Signal() == unix.SIGSYS:
		return wire.Status{Failure: &wire.Failure{Reason: wire.CannotStart, Message: "killed by the container's seccomp profile before the command ran"}}
	case n.NeverRan && n.Status.Exited():
		return wire.Status{Failure: &wire.Failure{Reason: wire.CannotStart, Message: fmt.Sprintf("ended with status %d before the command ran", n.Status.ExitStatus())}}
	case n.Status.Signaled():
		return wire.Status{Exit: &wire.Exit{Signal: int(n.Status.Signal())}}
	}
	return wire.Status{Exit: &wire.Exit{Code: n.Status.ExitStatus()}}
}

// messageOf says what failed, and of what: for the record.
func messageOf(n joiner.News, p *joiner.Plan) string {
	switch {
	case n.Step == joiner.Cwd:
		return fmt.Sprintf("chdir to %q: %v", p.Cwd, n.Errno)
	case n.Step == joiner.LookUp && p.BareName:
		return fmt.Sprintf("exec: %q: executable file not found in $PATH", p.Args[0])
	case n.Step >= joiner.LookUp && n.Errno != 0:
		return fmt.Sprintf("exec: %q: %v", p.Args[0], n.Errno)
	case n.Step >= joiner.LookUp:
		return fmt.Sprintf("%q: %v", p.Args[0], n)
	}
	return n.Error()
}

// reasonOf classifies a failure of the joiner.
func reasonOf(n joiner.News) wire.Reason {
	if n.Gone() {
		return wire.Gone
	}
	if n.Step != joiner.Cwd && n.Step != joiner.LookUp && n.Step != joiner.Exec {
		return wire.CannotStart
	}
	switch n.Errno {
	case syscall.ENOENT, syscall.ENOTDIR:
		return wire.NotFound
	case syscall.EACCES, syscall.EPERM, syscall.EISDIR:
		return wire.Permission
	case syscall.ENOEXEC:
		return wire.BadFormat
	}
	return wire.CannotStart
}

// outside tells why the command can be run another way: the joiner failed before
// anything of the hook was in the container, or its child ended, at no step that
// it named, before it was the command. It is nil for any other end, and where the
// container is gone, which no other way changes. It waits for nothing.
func (r *execRun) outside() error {
	if !r.ended() {
		return nil
	}
	f := r.last.Failure
	switch {
	case f == nil && r.last.Exit == nil && r.pid == 0:
		return fmt.Errorf("the joiner ended with status %d and no word of the hook", r.status)
	case f == nil || f.Reason == wire.Gone || r.step > joiner.JoinCgroup:
		return nil
	case r.container.Init.Liveness() == hooks.Gone:
		f.Reason = wire.Gone
		return nil
	}
	return r.failure()
}

// wants tells whether the joiner failed at a step.
func (r *execRun) wants(step joiner.Step) bool {
	return r.ended() && r.last.Failure != nil && r.step == step
}

// failure is why the command was not run.
func (r *execRun) failure() error {
	return errors.New("the joiner: " + r.last.Failure.Message)
}
