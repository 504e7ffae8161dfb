package shim

import (
	"context"
	"time"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
)

// exitOutTime bounds how long Delete waits for the init's TaskExit to go out.
const exitOutTime = 2 * time.Second

// Delete ends the container's task. It lets the init's TaskExit go out first,
// because clients shut the shim down next and an event still queued then may
// be lost.
func (s *Service) Delete(ctx context.Context, r *taskAPI.DeleteRequest) (*taskAPI.DeleteResponse, error) {
	resp, err := s.inner().Delete(ctx, r)
	c := s.lookup(r.ID)
	if err != nil || r.ExecID != "" || c == nil {
		return resp, err
	}
	c.awaitExitOut(ctx)
	s.remove(r.ID)
	c.task.end()
	s.publisher.remove(r.ID)
	return resp, nil
}

func (c *container) awaitExitOut(ctx context.Context) {
	limit := time.NewTimer(exitOutTime)
	defer limit.Stop()
	select {
	case <-c.gate.published:
	case <-limit.C:
	case <-ctx.Done():
	}
}
