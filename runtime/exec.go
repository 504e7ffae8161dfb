package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/wire"
)

// execHandler runs one exec hook: each Run is one attempt.
type execHandler struct {
	executor  *Executor
	container Container
	spec      *hooks.Exec
	log       *HookLog // nil: none
	late      func(stdout, stderr []byte)
}

// Run runs the command to the end of its first process, or until ctx is done:
// then everything the hook started is killed, and nothing else.
func (h *execHandler) Run(ctx context.Context) hooks.Report {
	req, err := h.request(ctx)
	switch {
	case errors.Is(err, hooks.ErrGone):
		return hooks.Report{Cause: hooks.CauseGone, Suspect: true, Err: err}
	case err != nil:
		return hooks.Report{Cause: hooks.CauseCannotStart, Err: err}
	}
	r, err := h.executor.start(ctx, h.container, req, h.log)
	if err != nil {
		return hooks.Report{Cause: hooks.CauseInternal, Err: err}
	}
	r.await(ctx)
	return r.conclude(ctx, h)
}

func (h *execHandler) request(ctx context.Context) (wire.Request, error) {
	req := wire.Request{
		Root:   h.container.RuncRoot,
		ID:     h.container.ID,
		Bundle: h.container.Bundle,
		Args:   h.spec.Command,
		Cwd:    h.spec.WorkingDir,
	}
	for _, v := range h.spec.Env {
		req.Env = append(req.Env, v.Name+"="+v.Value)
	}
	if h.spec.User == "" {
		return req, nil
	}
	user, err := userInContainer(ctx, h.spec.User, h.container.Init)
	if err != nil {
		return req, fmt.Errorf("exec hook's user in container %s: %w", h.container.ID, err)
	}
	req.User = user
	return req, nil
}

// await waits for the end of the hook's first process, or of ctx: then it ends
// the hook.
func (r *execRun) await(ctx context.Context) {
	select {
	case <-r.done:
	case <-ctx.Done():
		r.kill(ctx)
	}
}

// conclude returns the report of a run that was awaited.
func (r *execRun) conclude(ctx context.Context, h *execHandler) hooks.Report {
	report := r.report(ctx)
	if !r.failed() { // else what was printed is the runtime's
		report.Stdout, report.Stderr = r.stdout.drain(), r.stderr.drain()
	}
	report.Runner = h.container.Runner.Name()
	late := h.late
	if late == nil && h.log != nil {
		late = func([]byte, []byte) {}
	}
	r.finish(late)
	return report
}

// report turns what bookend-exec said last into a report, without the output.
func (r *execRun) report(ctx context.Context) hooks.Report {
	select {
	case <-r.done:
	default: // it does not even die; last is not ours to read
		return hooks.Report{Cause: hooks.CauseCancelled, Err: context.Cause(ctx)}
	}
	switch exit, failure := r.last.Exit, r.last.Failure; {
	case failure != nil:
		return failureReport(failure)
	case exit != nil && exit.Signal != 0:
		// Killed by us, this is overruled as the end of ctx.
		return hooks.Report{
			Cause: hooks.CauseSignal, Signal: syscall.Signal(exit.Signal), Suspect: true,
			Err: fmt.Errorf("hook process killed by signal %s", hooks.SignalText(syscall.Signal(exit.Signal))),
		}
	case exit != nil && exit.NeverRan:
		return neverRan(r.stderr.drain())
	case exit != nil && exit.Code != 0:
		return hooks.Report{
			Cause: hooks.CauseExitCode, ExitCode: exit.Code,
			Err: fmt.Errorf("hook process exited with status %d", exit.Code),
		}
	case exit != nil:
		return hooks.Report{}
	case ctx.Err() != nil:
		return hooks.Report{Cause: hooks.CauseCancelled, Err: context.Cause(ctx)}
	}
	// bookend-exec died, and nobody waits for the hook any more.
	r.killTree(ctx)
	return hooks.Report{
		Cause: hooks.CauseInternal,
		Err:   fmt.Errorf("bookend-exec ended with status %d and no word of the hook: %s", r.status, r.log.drain()),
	}
}

// failureReport is the report of a command that was not run. The exit of the
// container's init explains any such failure that does not lie in the command.
func failureReport(f *wire.Failure) hooks.Report {
	report := hooks.Report{Err: errors.New(f.Message)}
	switch f.Reason {
	case wire.NotFound:
		report.Cause = hooks.CauseNotFound
	case wire.Permission:
		report.Cause = hooks.CausePermission
	case wire.BadFormat:
		report.Cause = hooks.CauseBadFormat
	case wire.Paused:
		report.Cause = hooks.CausePaused
	case wire.Gone:
		report.Cause, report.Suspect = hooks.CauseGone, true
	default:
		report.Cause, report.Suspect = hooks.CauseCannotStart, true
	}
	return report
}

// neverRan is the report of a process that failed in execve(2) itself: what it
// printed is not the hook's output but the reason.
func neverRan(stderr []byte) hooks.Report {
	message := strings.TrimSpace(string(stderr))
	return failureReport(&wire.Failure{Reason: wire.ExecReason(message), Message: message})
}
