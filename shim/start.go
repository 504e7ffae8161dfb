package shim

import (
	"context"
	"errors"
	"time"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"bookend.dev/bookend/hooks"
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
	if c.task.askStart(startRequested{at: time.Now(), deadline: deadline, traceparent: traceparentOf(ctx)}, reply).kind != withhold {
		return s.inner().Start(ctx, r)
	}
	c.gate.close()
	c.task.guard(ctx, func() { s.beginPostStart(context.WithoutCancel(ctx), c) })
	resp, err := s.inner().Start(ctx, r)
	if err != nil {
		s.startFailed(context.WithoutCancel(ctx), c, err)
		return nil, err
	}
	s.started(ctx, c, int(resp.Pid))
	c.task.tell(startReturned{})
	if err := c.await(ctx, reply); err != nil {
		return nil, startStatus(err)
	}
	return resp, nil
}

// stateTime is how long the reply of a Start that failed waits for the runtime to
// say what the init is doing.
const stateTime = time.Second

// startFailed ends what was begun and opens the gate again, before the task lets
// another Start go, and asks the runtime what the init is doing: the inner service
// says CREATED of one that a start which was cut off has let go. The client does
// not wait for a runtime that fails at that too; stop signals and other Starts do.
func (s *Service) startFailed(ctx context.Context, c *container, err error) {
	s.release(ctx, c, false)
	pid, stateErr := c.startedPid(ctx, stateTime)
	if stateErr == nil {
		s.startJudged(ctx, c, err, pid)
		return
	}
	go func() {
		defer func() { s.startJudged(ctx, c, err, pid) }()
		c.task.guard(ctx, func() { pid = c.startedPidAtLast(ctx) })
	}()
}

// startJudged tells the task what a Start that failed has left: an init that
// runs, pid being its own, or one that does not, pid being 0.
func (s *Service) startJudged(ctx context.Context, c *container, err error, pid int) {
	if pid != 0 {
		s.started(ctx, c, pid)
	}
	c.task.tell(startReturned{err: err, started: pid != 0})
}

// startedPid asks the runtime, for at most limit, whether the init runs its
// entrypoint: its pid, or 0.
func (c *container) startedPid(ctx context.Context, limit time.Duration) (int, error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	st, err := c.runtime.State(ctx, c.id)
	if err != nil || st.Status != "running" && st.Status != "paused" {
		return 0, err
	}
	return st.Pid, nil
}

// startedPidAtLast asks again until the runtime answers, the init is gone, or
// sendTime has passed.
func (c *container) startedPidAtLast(ctx context.Context) int {
	ctx, stop := context.WithTimeout(ctx, sendTime)
	defer stop()
	for p := firstPause; hooks.Pause(ctx, p); p = min(2*p, longestPause) {
		if pid, err := c.startedPid(ctx, sendTime); err == nil || c.isGone() {
			return pid
		}
	}
	c.logger.WithField("container", c.id).Warn("bookend: a start failed, and the runtime does not tell whether the container runs: it is taken for one that does not")
	return 0
}

// isGone tells whether the init has certainly ended.
func (c *container) isGone() bool {
	t := c.target.Load()
	return t != nil && t.Init.Liveness() == hooks.Gone
}

// started looks at the init of a container restored from a checkpoint, which has
// one only now. One that cannot be looked at has exited again, and no hook of it
// will find it.
func (s *Service) started(ctx context.Context, c *container, pid int) {
	if c.target.Load() == nil {
		if err := s.readInit(ctx, c, pid); err != nil {
			c.target.Store(&runtime.Container{ID: c.id, Bundle: c.bundle, RuncRoot: c.runcRoot})
		}
	}
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
		return &killPendingError{}
	}
	c.task.tell(startLost{})
	return ctx.Err()
}

// startStatus puts the code on the end of a withheld Start. The status
// package is used as it is: containerd's own helpers append the code's name to
// the message.
func startStatus(err error) error {
	switch {
	case errors.Is(err, errStartDeadline), errors.Is(err, errKillPending):
		return status.Error(codes.DeadlineExceeded, err.Error())
	case errors.Is(err, errPostStartFailed), errors.Is(err, errStoppedWhileStarting):
		return status.Error(codes.Aborted, err.Error())
	default:
		return err
	}
}
