package shim

import (
	"context"
	"syscall"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Kill puts preStop before a stop signal to the init. SIGKILL asks no one.
func (s *Service) Kill(ctx context.Context, r *taskAPI.KillRequest) (*emptypb.Empty, error) {
	if r.ExecID != "" {
		return s.inner().Kill(ctx, r)
	}
	sent := delivery{signal: syscall.Signal(r.Signal), all: r.All, traceparent: traceparentOf(ctx)}
	c := s.lookup(r.ID)
	switch {
	case sent.signal == syscall.SIGKILL:
		return s.sigkill(ctx, r, c)
	case c == nil:
		return s.inner().Kill(ctx, r)
	case !isStopSignal(c.lifecycle, sent):
		return s.passSignal(ctx, r, c)
	}
	ans := c.task.ask(stopRequested{sent})
	switch ans.kind {
	case absorb:
		return &emptypb.Empty{}, nil
	case deliver:
		return s.deliverNow(ctx, c, ans.signal)
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

// deliverNow sends a stop signal on the call of the client that brought it, who
// has the error where that fails.
func (s *Service) deliverNow(ctx context.Context, c *container, d delivery) (*emptypb.Empty, error) {
	ctx, stop := context.WithTimeout(ctx, sendTime)
	defer stop()
	err := s.signal(ctx, c.id, d)
	c.task.tell(signalReturned{err: err, gone: isGone(err)})
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// passSignal forwards a signal that means something else than "stop". It tells of
// it first: an init that it ends may be seen to exit before the call is back.
func (s *Service) passSignal(ctx context.Context, r *taskAPI.KillRequest, c *container) (*emptypb.Empty, error) {
	if r.Signal == 0 {
		return s.inner().Kill(ctx, r)
	}
	c.task.tell(signalPassing{syscall.Signal(r.Signal)})
	resp, err := s.inner().Kill(ctx, r)
	if err != nil {
		c.task.tell(signalPassing{0})
	}
	return resp, err
}

// isGone tells whether an error of Kill says that there is no process to send
// the signal to.
func isGone(err error) bool { return status.Code(err) == codes.NotFound }
