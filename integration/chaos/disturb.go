package main

import (
	"context"
	"syscall"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	containerd "github.com/containerd/containerd/v2/client"
)

// disturbances are what a plan's extras do.
var disturbances = map[string]func(context.Context, *round){
	"stop":        func(ctx context.Context, r *round) { r.stop(ctx) },
	"sigkill":     func(ctx context.Context, r *round) { r.sigkill(ctx) },
	"killHook":    func(ctx context.Context, r *round) { r.killHook(ctx) },
	"pauseResume": func(ctx context.Context, r *round) { r.pauseFor(ctx, 300*time.Millisecond) },
	"delete":      func(ctx context.Context, r *round) { r.tryDelete(ctx) },
	"usr1":        func(ctx context.Context, r *round) { _ = r.kill(ctx, syscall.SIGUSR1) },
}

// kill sends a signal as a client does.
func (r *round) kill(ctx context.Context, sig syscall.Signal) error {
	return r.do(ctx, call{Op: opKill, Signal: int(sig)}, func(ctx context.Context) error { return r.sendSignal(ctx, sig) })
}

// stop sends the plan's stop signal. It waits for the entrypoint first: a
// signal to a process 1 that has no trap yet is the kernel's to drop, and one
// before Start ends the runtime's own process.
func (r *round) stop(ctx context.Context) {
	if r.awaitUp(ctx) {
		_ = r.kill(ctx, r.plan.Stop)
	}
}

func (r *round) sigkill(ctx context.Context) {
	if r.awaitUp(ctx) {
		_ = r.kill(ctx, syscall.SIGKILL)
	}
}

// killHook kills a process of a hook, where one runs within a moment.
func (r *round) killHook(ctx context.Context) {
	var pid int
	if !await(ctx, time.Second, func() (found bool) {
		var err error
		pid, err = hookProcess(r.plan.mark())
		return err == nil
	}) {
		return
	}
	_ = r.do(ctx, call{Op: opKillHook}, func(context.Context) error { return syscall.Kill(pid, syscall.SIGKILL) })
}

// pauseFor pauses the container for a time.
func (r *round) pauseFor(ctx context.Context, d time.Duration) {
	if !r.awaitUp(ctx) {
		return
	}
	err := r.onTask(ctx, opPause, func(ctx context.Context, t containerd.Task) error { return t.Pause(ctx) })
	if err != nil {
		return
	}
	pause(ctx, d)
	_ = r.resume(ctx)
}

func (r *round) resume(ctx context.Context) error {
	return r.onTask(ctx, opResume, func(ctx context.Context, t containerd.Task) error { return t.Resume(ctx) })
}

// resumeAll ends what a pause has left, where containerd was away.
func (r *round) resumeAll(ctx context.Context) {
	await(ctx, patience, func() bool {
		h := r.copy()
		return did(opResume)(h) >= did(opPause)(h) || !r.alive(ctx) || r.resume(ctx) == nil
	})
}

func (r *round) onTask(ctx context.Context, op operation, f func(context.Context, containerd.Task) error) error {
	return r.do(ctx, call{Op: op}, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(r.context(ctx), 20*time.Second)
		defer cancel()
		t, err := r.task(ctx)
		if err != nil {
			return err
		}
		return f(ctx, t)
	})
}

// tryDelete asks for the task's removal. The CRI's own tasks are its own to
// delete.
func (r *round) tryDelete(ctx context.Context) {
	if r.plan.Kind == pod || !r.awaitUp(ctx) {
		return
	}
	_ = r.do(ctx, call{Op: opDelete}, r.delete)
}

// killSandbox kills the sandbox's process, as a client or, half the time, as
// the kernel does.
func (r *round) killSandbox(ctx context.Context, byClient bool) {
	_ = r.do(ctx, call{Op: opKillSandbox}, func(ctx context.Context) error {
		if !byClient {
			return syscall.Kill(r.pidOf(ctx, r.sandbox), syscall.SIGKILL)
		}
		s, err := r.daemon.Shim(ctx, r.namespace, r.sandbox)
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = s.Kill(s.Context(ctx), &taskapi.KillRequest{ID: r.sandbox, Signal: uint32(syscall.SIGKILL)})
		return err
	})
}

// killShim kills the shim that serves the container.
func (r *round) killShim(ctx context.Context) {
	_ = r.do(ctx, call{Op: opKillShim}, func(context.Context) error {
		pid, err := r.shimPID()
		if err != nil {
			return err
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	})
}

func (r *round) shimPID() (int, error) {
	if r.sandbox != "" {
		return shimProcess(r.sandbox)
	}
	return shimProcess(r.id)
}
