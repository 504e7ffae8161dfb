package shim

import (
	"context"
	"errors"
	"time"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"bookend.dev/bookend/runtime"
)

// Start starts the entrypoint and withholds its reply until postStart has
// returned.
func (s *Service) Start(ctx context.Context, r *taskAPI.StartRequest) (*taskAPI.StartResponse, error) {
	c := s.lookup(r.ID)
	if c == nil || r.ExecID != "" {
		return s.inner().Start(ctx, r)
	}
	deadline, _ := ctx.Deadline()
	reply := make(chan error, 1)
	if c.task.askStart(startRequested{at: time.Now(), deadline: deadline}, reply).kind != withhold {
		return s.inner().Start(ctx, r)
	}
	c.gate.close()
	resp, err := s.inner().Start(ctx, r)
	c.task.tell(s.started(ctx, c, resp, err))
	if err != nil {
		c.settle(reply)
		return nil, err
	}
	if err := c.await(ctx, reply); err != nil {
		return nil, startStatus(err)
	}
	return resp, nil
}

// settle waits until the task is done with a Start that failed, so that another
// one finds the gate as it is to be.
func (c *container) settle(reply <-chan error) {
	select {
	case <-reply: //nolint:errcheck // the runtime's own error is the reply
	case <-c.task.done:
	}
}

// started is what came of the runtime's start. A container restored from a
// checkpoint has its init only now; one whose init cannot be looked at has
// exited again, and no hook of it will find it.
func (s *Service) started(ctx context.Context, c *container, resp *taskAPI.StartResponse, err error) startReturned {
	if err == nil && c.target.Load() == nil {
		if aimErr := s.aim(ctx, c, int(resp.Pid)); aimErr != nil {
			c.target.Store(&runtime.Container{ID: c.id, Bundle: c.bundle, RuncRoot: c.runcRoot})
		}
	}
	return startReturned{err}
}

// await waits for the reply of a withheld Start. A connection that drops ends
// only the wait: the hook goes on for a client that will come back.
func (c *container) await(ctx context.Context, reply <-chan error) error {
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errStartDeadline
	}
	c.task.tell(startLost{})
	return ctx.Err()
}

// startStatus puts the code on what became of a withheld Start. The status
// package is used as it is: containerd's own helpers append the code's name to
// the message.
func startStatus(err error) error {
	switch {
	case errors.Is(err, errPostStartFailed), errors.Is(err, errStoppedWhileStarting):
		return status.Error(codes.Aborted, err.Error())
	case errors.Is(err, errStartDeadline):
		return status.Error(codes.DeadlineExceeded, err.Error())
	default:
		return err
	}
}
