package shim

import (
	"context"
	"time"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	apitask "github.com/containerd/containerd/api/types/task"

	"bookend.dev/bookend/runtime"
)

// exitOutTime bounds how long Delete and Start wait for an event to go out.
const exitOutTime = 2 * time.Second

// hookOutTime bounds how long Delete waits for a hook that is being cancelled:
// longer than the killing of one takes.
const hookOutTime = 2*runtime.KillBound + time.Second

// Delete ends the container's task. It lets the init's TaskExit go out first:
// the inner service tells of an exit before it has sent the event, and a client
// may delete in between. It replies when TaskDelete is out as well: clients
// shut the shim down next, and what is queued then may be lost.
func (s *Service) Delete(ctx context.Context, r *taskAPI.DeleteRequest) (*taskAPI.DeleteResponse, error) {
	c := s.lookup(r.ID)
	if c == nil || r.ExecID != "" {
		return s.inner().Delete(ctx, r)
	}
	defer s.deletes.begin()()
	if s.hasStopped(ctx, r.ID) {
		c.gate.published.await(ctx, exitOutTime)
	}
	resp, err := s.inner().Delete(ctx, r)
	if err != nil {
		return nil, err
	}
	c.gate.deleted.await(ctx, exitOutTime)
	s.remove(r.ID)
	c.unwatch()
	c.task.end()
	c.discardBegun(ctx)
	c.finishRecords(ctx)
	s.publisher.remove(r.ID, c.gate)
	return resp, nil
}

// finishRecords waits for a hook that is being cancelled, so that its record has an
// outcome before the shim may be shut down, and so that of a stop which was not
// delivered; it removes the status.
func (c *container) finishRecords(ctx context.Context) {
	if run := c.run.Load(); run != nil {
		run.ended.await(ctx, hookOutTime)
	}
	if told := c.stopTold.Load(); told != nil {
		told.await(ctx, hookOutTime)
	}
	c.store.Remove(c.subject)
}

// hasStopped tells whether the init has exited, as the inner service sees it.
func (s *Service) hasStopped(ctx context.Context, id string) bool {
	st, err := s.inner().State(ctx, &taskAPI.StateRequest{ID: id})
	return err == nil && st.Status == apitask.Status_STOPPED
}
