package shim

import (
	"context"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/containerlog"
)

// hookLog returns the container's own log if a hook is to print into it; nil
// where no hook is, or no hook can, which is logged here, once.
func hookLog(ctx context.Context, r *taskAPI.CreateTaskRequest, lc *hooks.Lifecycle) *containerlog.Log {
	if !printsIntoLog(lc.PostStart) && !printsIntoLog(lc.PreStop) {
		return nil
	}
	l, err := containerlog.New(r.Stdout, r.Stderr, r.Terminal)
	if err != nil {
		log.G(ctx).WithField("container", r.ID).WithError(err).Warn("bookend: what hooks of this container print goes into records only")
	}
	return l
}

// linesOf returns where the lines of a hook go besides its records; nil: nowhere.
func (c *container) linesOf(h *hooks.Hook) *containerlog.HookLog {
	if !printsIntoLog(h) {
		return nil
	}
	return c.log.For(h.Point)
}

func printsIntoLog(h *hooks.Hook) bool {
	return h != nil && h.Exec != nil && h.Output == hooks.OutputContainer
}
