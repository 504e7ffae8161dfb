package runtime

import (
	"context"
	"errors"
	"fmt"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/containerlog"
	"bookend.dev/bookend/runtime/joiner"
	"bookend.dev/bookend/runtime/proc"
	"bookend.dev/bookend/runtime/wire"
)

// execHandler runs one exec hook: each Run is one attempt.
type execHandler struct {
	executor  *Executor
	container Container
	spec      *hooks.Exec
	log       *containerlog.HookLog // nil: none
}

// Run runs the command to the end of its first process, or until ctx is done:
// then everything the hook started is killed, and nothing else.
func (h *execHandler) Run(ctx context.Context) hooks.Report {
	if h.container.Cgroup.paused() {
		return hooks.Report{Cause: hooks.CausePaused, Err: errPaused}
	}
	plan, err := h.container.Runner.awaitPlan(ctx, h.executor, h.container)
	if err != nil {
		return hooks.Report{Cause: hooks.CauseCancelled, Err: err}
	}
	user, err := h.user(ctx)
	if err != nil {
		return notStarted(err)
	}
	if plan != nil {
		report, err := h.join(ctx, plan, user)
		if err == nil {
			return report
		}
		h.container.Runner.useRuntime(err)
	}
	return h.callRuntime(ctx, user)
}

// notStarted is the report of a command that nothing was started for.
func notStarted(err error) hooks.Report {
	if errors.Is(err, proc.ErrGone) {
		return hooks.Report{Cause: hooks.CauseGone, Suspect: true, Err: err}
	}
	return hooks.Report{Cause: hooks.CauseCannotStart, Err: err}
}

// join runs the command through the joiner. An error means that nothing of it
// was in the container, and why.
func (h *execHandler) join(ctx context.Context, plan *ContainerPlan, user *wire.User) (hooks.Report, error) {
	r, err := h.startJoiner(ctx, plan, user, joinOptions{})
	if err != nil {
		return hooks.Report{}, err
	}
	r.await(ctx)
	if r.wants(joiner.Stdin) && ctx.Err() == nil {
		if r, err = h.joinAgain(ctx, r, plan, user); err != nil {
			return hooks.Report{}, err
		}
	}
	if err := r.outside(); err != nil && ctx.Err() == nil {
		r.abandon(ctx)
		return hooks.Report{}, err
	}
	return r.finalReport(ctx, h), nil
}

// joinAgain is for a container that has no null device, which only a process in
// it can tell for certain: the hook gets one of the shim's.
func (h *execHandler) joinAgain(ctx context.Context, r *execRun, plan *ContainerPlan, user *wire.User) (*execRun, error) {
	r.abandon(ctx)
	null, err := h.executor.null.get()
	if err != nil {
		return nil, fmt.Errorf("the container has no null device, and the shim can make none: %w", err)
	}
	again, err := h.startJoiner(ctx, plan, user, joinOptions{null: null})
	if err != nil {
		return nil, err
	}
	again.await(ctx)
	return again, nil
}

// callRuntime runs the command through the exec of the container's runtime.
func (h *execHandler) callRuntime(ctx context.Context, user *wire.User) hooks.Report {
	// Not every runtime refuses a container that was paused meanwhile, and where
	// it does not it hangs.
	if h.container.Cgroup.paused() {
		return hooks.Report{Cause: hooks.CausePaused, Err: errPaused}
	}
	r, err := h.startRuntime(ctx, user)
	if err != nil {
		report := notStarted(fmt.Errorf("%s: %w", h.container.Runner.why(), err))
		report.Runner, report.RunnerReason = ByRuntime, h.container.Runner.why()
		return report
	}
	r.await(ctx)
	return r.finalReport(ctx, h)
}

// user looks the hook's user up, if it has one of its own.
func (h *execHandler) user(ctx context.Context) (*wire.User, error) {
	if h.spec.User == "" {
		return nil, nil
	}
	user, err := userInContainer(ctx, h.spec.User, h.container.Init)
	if err != nil {
		return nil, fmt.Errorf("exec hook's user in container %s: %w", h.container.ID, err)
	}
	return user, nil
}
