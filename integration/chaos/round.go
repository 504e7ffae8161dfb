package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"bookend.dev/bookend/hooks/record"
	"bookend.dev/bookend/integration/harness"
)

// patience is what no answer may take that waits for nothing.
const patience = 5 * time.Second

// round is a plan that is carried out.
type round struct {
	*victim
	sharedHistory
	plan   *plan
	slot   *slot
	extras sync.Once
	// follower reads the records, seen are those of the container, by ID.
	follower *record.Follower
	seen     map[string]record.Record
	work     sync.WaitGroup // disturbances on goroutines of their own
	starts   sync.WaitGroup // calls of Start, which may take as long as they like
}

// run carries the plan out and returns its history. The error is the driver's
// own trouble.
func run(ctx context.Context, d *harness.Daemon, p *plan, s *slot, w *wave) (_ *history, err error) {
	v, err := (*victim)(nil), s.reset()
	if err == nil {
		v, err = newVictim(ctx, d, p, s)
	}
	w.created.Done()
	if err != nil {
		return nil, err
	}
	r := &round{victim: v, plan: p, slot: s, follower: record.Open(d.RecordsDir(), record.Limits{}).Follow(), seen: map[string]record.Record{}}
	r.h.Plan, r.h.ID = p, v.id
	defer func() { err = errors.Join(err, v.fifos.Remove()) }()
	p.Topic.act(ctx, r)
	if w.restarted != nil {
		c := <-w.restarted
		r.note(func(h *history) { h.Calls = append(h.Calls, c) })
	}
	r.awaitEnd(ctx)
	r.finish(ctx)
	return &r.h, r.collect()
}

// fault notes what went wrong with no rule of its own.
func (r *round) fault(format string, args ...any) {
	r.note(func(h *history) { h.Faults = append(h.Faults, fmt.Sprintf(format, args...)) })
}

// do makes a call and notes it.
func (r *round) do(ctx context.Context, c call, f func(context.Context) error) error {
	return r.carryOut(ctx, r.begin(c), c.Op, f)
}

// carryOut makes a call whose beginning is noted.
func (r *round) carryOut(ctx context.Context, end func(func(*call)), op operation, f func(context.Context) error) error {
	err := f(ctx)
	alive := err != nil && op == opStart && r.alive(ctx)
	end(func(c *call) {
		if err == nil {
			return
		}
		c.Err, c.Alive = strings.TrimSpace(err.Error()), alive
		code := codeOf(err)
		c.Lost = code == codes.Unavailable || code == codes.Canceled
		c.Aborted, c.Deadline = code == codes.Aborted, code == codes.DeadlineExceeded
	})
	return err
}

// codeOf reads the code of a call's error, whichever client brought it.
func codeOf(err error) codes.Code {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if st, ok := status.FromError(e); ok {
			return st.Code()
		}
	}
	switch {
	case errdefs.IsAborted(err):
		return codes.Aborted
	case errors.Is(err, context.DeadlineExceeded), errdefs.IsDeadlineExceeded(err):
		return codes.DeadlineExceeded
	case errdefs.IsUnavailable(err):
		return codes.Unavailable
	}
	return status.Code(errgrpc.ToGRPC(err))
}

// async does something on a goroutine that the round waits for.
func (r *round) async(f func()) { r.work.Go(f) }

// launch calls Start, and lets the plan's extras begin. limit is the call's
// deadline, 0: none.
func (r *round) launch(ctx context.Context, limit time.Duration) {
	end := r.begin(call{Op: opStart})
	r.starts.Go(func() {
		ctx := ctx
		if limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		_ = r.carryOut(ctx, end, opStart, r.start)
	})
	r.extras.Do(func() {
		for _, e := range r.plan.Extras {
			r.async(func() {
				pause(ctx, e.after)
				disturbances[e.what](ctx, r)
			})
		}
	})
}

// launchDirectly calls Start n times at once on the shim itself.
func (r *round) launchDirectly(ctx context.Context, n int) {
	s, err := r.shim(ctx)
	if err != nil {
		r.fault("reach the shim: %v", err)
		return
	}
	var calls sync.WaitGroup
	for range n {
		end := r.begin(call{Op: opStart})
		calls.Go(func() {
			_ = r.carryOut(ctx, end, opStart, func(ctx context.Context) error {
				_, err := s.Start(s.Context(ctx), &taskapi.StartRequest{ID: r.id})
				return err
			})
		})
	}
	r.starts.Go(func() { calls.Wait(); _ = s.Close() })
}

// awaitMark waits until the container's processes have noted something.
func (r *round) awaitMark(ctx context.Context, limit time.Duration, what string) bool {
	return await(ctx, limit, func() bool {
		marks, err := r.trace(r.slot.clock)
		h := history{Marks: marks}
		return err == nil && len(h.marks(what)) > 0
	})
}

// awaitUp waits for the entrypoint. A pod's init is looked for as soon as it is
// there: later the shim may not answer.
func (r *round) awaitUp(ctx context.Context) bool {
	up := r.awaitMark(ctx, patience, "up")
	r.find(ctx)
	return up
}

// awaitStarted waits until every Start has replied, and tells whether they did.
func (r *round) awaitStarted(ctx context.Context, limit time.Duration) bool {
	return await(ctx, limit, func() bool {
		for _, c := range r.calls(opStart) {
			if c.Ended.IsZero() {
				return false
			}
		}
		return true
	})
}

// started waits for the reply of a Start that nothing holds up but its hook.
func (r *round) started(ctx context.Context) {
	r.awaitStarted(ctx, r.plan.hookTime()+patience)
}

// replaceFor puts another file in the runtime's place until f returns.
func (r *round) replaceFor(file string, f func()) {
	opens := r.slot.opens.count()
	begun := time.Now()
	if err := r.slot.put(file); err != nil {
		r.fault("%v", err)
	}
	f()
	if err := r.slot.put(sound); err != nil {
		r.fault("%v", err)
	}
	n := r.slot.opens.count() - opens
	r.note(func(h *history) { h.Opens += n; h.Broken = span{begun, time.Now()} })
}

// failCalls lets a verb of the runtime fail in a mode until f returns.
func (r *round) failCalls(verb, mode string, f func()) {
	begun := time.Now()
	r.failNext(verb, mode)
	f()
	if err := r.slot.lift(); err != nil {
		r.fault("%v", err)
	}
	r.note(func(h *history) { h.Broken = span{begun, time.Now()} })
}

// failNext lets a verb of the runtime fail until the slot's faults are lifted.
func (r *round) failNext(verb, mode string) {
	if err := r.slot.fail(r.id, verb, mode); err != nil {
		r.fault("%v", err)
	}
}
