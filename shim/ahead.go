package shim

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/process"
	"github.com/containerd/log"

	"bookend.dev/bookend/runtime"
)

// ahead is a container whose exec postStart is being staged before the inner
// Create has returned: the runtime has written its init's pid by then, and what
// is left to Create, several milliseconds, is none of the hook's business.
type ahead struct {
	stop      context.CancelCauseFunc
	done      chan struct{}     // closed when all else is set
	prepared  *runtime.Prepared // nobody's yet; nil where container has it
	container *container        // nil: it did not come to that
}

var errCreateReturned = errors.New("create has returned")

// goAhead begins with what can be done for a container before it exists; nil
// for one without an exec postStart to be run.
func (s *Service) goAhead(ctx context.Context, cr *creation) *ahead {
	if h := cr.lifecycle.PostStart; h == nil || h.Exec == nil || cr.restored() || s.executor == nil {
		return nil
	}
	a := &ahead{prepared: s.executor.Prepare(), done: make(chan struct{})}
	ctx, a.stop = context.WithCancelCause(ctx)
	watch, err := runtime.WatchPid(filepath.Join(cr.request.Bundle, process.InitPidFile))
	if err != nil {
		log.G(ctx).WithField("container", cr.request.ID).WithError(err).Warn("bookend: postStart is staged only when Create has returned")
		close(a.done)
		return a
	}
	go func() {
		defer close(a.done)
		guard(ctx, cr.request.ID, func() {
			pid, err := watch.Await(ctx)
			if err != nil {
				return // Create says what there is to say
			}
			c, err := s.created(ctx, cr, pid)
			if err != nil {
				return // tried again, and told, after Create
			}
			c.staged = s.stage(context.WithoutCancel(ctx), c, a.prepared)
			a.container, a.prepared = c, nil
		})
	}()
	return a
}

// finish ends the watch, Create having returned, and hands over what came of it.
// A nil ahead has nothing.
func (a *ahead) finish() (*container, *runtime.Prepared) {
	if a == nil {
		return nil, nil
	}
	a.stop(errCreateReturned)
	<-a.done
	return a.container, a.prepared
}

// discard is finish for a Create that has failed.
func (a *ahead) discard(ctx context.Context) {
	c, prepared := a.finish()
	prepared.Discard()
	if c != nil {
		c.staged.Discard(ctx)
	}
}
