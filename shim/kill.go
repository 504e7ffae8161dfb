package shim

import (
	"context"
	"syscall"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Kill puts preStop before a stop signal to the init. SIGKILL asks nobody.
func (s *Service) Kill(ctx context.Context, r *taskAPI.KillRequest) (*emptypb.Empty, error) {
	if r.ExecID != "" {
		return s.inner().Kill(ctx, r)
	}
	sent := delivery{signal: syscall.Signal(r.Signal), all: r.All}
	c := s.lookup(r.ID)
	switch {
	case sent.signal == syscall.SIGKILL:
		return s.sigkill(ctx, r, c)
	case c == nil, !triggers(c.lifecycle, sent):
		return s.inner().Kill(ctx, r)
	}
	ans := c.task.ask(stopRequested{sent})
	switch ans.kind {
	case absorb:
		return &emptypb.Empty{}, nil
	case deliver:
		err := s.signal(ctx, r.ID, ans.signal)
		c.task.tell(signalDelivered{err})
		if err != nil {
			return nil, err
		}
		return &emptypb.Empty{}, nil
	default:
		return s.inner().Kill(ctx, r)
	}
}

// sigkill forwards SIGKILL first and tells of it after.
func (s *Service) sigkill(ctx context.Context, r *taskAPI.KillRequest, c *container) (*emptypb.Empty, error) {
	resp, err := s.inner().Kill(ctx, r)
	if err != nil {
		return nil, err
	}
	if c != nil {
		c.task.tell(sigkillSent{})
	}
	s.sandboxGone(r.ID)
	return resp, nil
}
