package shim

import (
	"context"
	"time"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	apitask "github.com/containerd/containerd/api/types/task"
	"google.golang.org/protobuf/types/known/emptypb"

	"bookend.dev/bookend/hooks"
)

// resumeTime bounds how long an exec hook waits for its paused container:
// dockerd sends the stop signal first and resumes right after.
const resumeTime = 5 * time.Second

// pausable lets an exec hook of a paused container wait for the resume, within
// bounds, and then fails it: a process that joins a frozen cgroup does not
// return before the container is resumed.
type pausable struct {
	service   *Service
	container *container
	hooks.Handler
}

// Run implements [hooks.Handler].
func (p pausable) Run(ctx context.Context) hooks.Report {
	limit := time.NewTimer(resumeTime)
	defer limit.Stop()
	for p.service.isPaused(ctx, p.container.id) {
		select {
		case <-p.container.resumed: // perhaps of an earlier pause: look again
		case <-limit.C:
			return hooks.Report{Cause: hooks.CausePaused, Err: errPaused}
		case <-ctx.Done():
			return hooks.Report{Cause: hooks.CausePaused, Err: errPaused}
		}
	}
	return p.Handler.Run(ctx)
}

func (s *Service) isPaused(ctx context.Context, id string) bool {
	st, err := s.inner().State(ctx, &taskAPI.StateRequest{ID: id})
	return err == nil && (st.Status == apitask.Status_PAUSED || st.Status == apitask.Status_PAUSING)
}

// Resume is the inner service's; a hook that waits for it is woken.
func (s *Service) Resume(ctx context.Context, r *taskAPI.ResumeRequest) (*emptypb.Empty, error) {
	resp, err := s.inner().Resume(ctx, r)
	if c := s.lookup(r.ID); c != nil && err == nil {
		select {
		case c.resumed <- struct{}{}:
		default: // the hook has one to look at already
		}
	}
	return resp, err
}
