package runtime

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/containerlog"
	"bookend.dev/bookend/runtime/joiner"
)

// Begun is an exec postStart that joins its container while the runtime starts
// the entrypoint, and waits there for word of that: a byte in a pipe, without
// which it looks at no file of the container and runs nothing. It ends when the
// shim does.
//
// It is a handler like that of [Executor.Handler], to which it falls back in
// every further attempt and wherever a hook cannot begin early.
//
//	Begin ── joining ── waiting ─┬─ Run       the process becomes the command
//	                             └─ Discard   ended, as is all that was made for it
//
// Whichever of the two comes first has it. All methods may be called by any
// number of goroutines.
type Begun struct {
	handler *execHandler
	cancel  context.CancelFunc // ends the beginning
	taken   atomic.Bool        // by Run or Discard, to whom run belongs then
	discard sync.Once          // a second Discard waits for the first
	ready   chan struct{}      // closed when run or err is set
	run     *execRun
	err     error
}

// Begin begins spec in c, whose Start has come, and returns at once. What
// [Executor.Handler] says of lines is true here too. The values of ctx
// are used, and its end means nothing: [Begun.Discard] MUST be called when the
// hook will not be run any more.
func (e *Executor) Begin(ctx context.Context, c Container, spec *hooks.Exec, lines *containerlog.HookLog) *Begun {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	b := &Begun{
		handler: &execHandler{executor: e, container: c, spec: spec, log: lines},
		cancel:  cancel,
		ready:   make(chan struct{}),
	}
	go func() {
		defer close(b.ready)
		b.err = hooks.Recovered(func() error { return b.begin(ctx) })
	}()
	return b
}

func (b *Begun) begin(ctx context.Context) error {
	h := b.handler
	if h.spec.User != "" {
		return errLooksAtFiles
	}
	plan, err := h.container.Runner.awaitPlan(ctx, h.executor, h.container)
	switch {
	case err != nil:
		return err
	case plan == nil:
		return errByRuntime
	case !h.container.Cgroup.hasRoom():
		return errNoRoom
	}
	b.run, err = h.startJoiner(ctx, plan, nil, joinOptions{awaitStart: true})
	return err
}

// Run implements [hooks.Handler]. The first call lets the hook go on; if it does
// not become its command by that, it is run as any other, so that what is
// reported never depends on how it began.
func (b *Begun) Run(ctx context.Context) hooks.Report {
	if !b.taken.CompareAndSwap(false, true) {
		return b.handler.Run(ctx)
	}
	defer b.cancel()
	select {
	case <-b.ready:
	case <-ctx.Done():
	}
	switch {
	case ctx.Err() != nil:
		b.drop(ctx)
		return hooks.Report{Cause: hooks.CauseCancelled, Err: context.Cause(ctx)}
	case b.handler.container.Cgroup.paused():
		b.drop(ctx)
		return hooks.Report{Cause: hooks.CausePaused, Err: errPaused}
	}
	report, err := b.open(ctx)
	switch {
	case err == nil:
		return report
	case ctx.Err() != nil:
		return hooks.Report{Cause: hooks.CauseCancelled, Err: context.Cause(ctx)}
	}
	log.G(ctx).WithField("container", b.handler.container.ID).WithError(err).
		Debug("exec hook did not begin beside the start of its container: it is started now")
	return b.handler.Run(ctx)
}

// open lets the hook run to its end. An error means that it never ran, and that
// nothing of it is left.
func (b *Begun) open(ctx context.Context) (hooks.Report, error) {
	if b.err != nil {
		return hooks.Report{}, b.err
	}
	_, err := b.run.startPipe.Write([]byte{1})
	b.run.startPipe.Close()
	if err == nil {
		b.run.await(ctx)
		err = b.run.outside()
	} else if said := b.run.awaitFailure(); said != nil {
		err = said
	}
	if err == nil && b.run.wants(joiner.Stdin) {
		err = b.run.failure()
	}
	if err != nil {
		b.run.abandon(ctx)
		return hooks.Report{}, err
	}
	return b.run.finalReport(ctx, b.handler), nil
}

// Discard ends what was begun, unless it is running or has run, and returns when
// that is done, whoever does it. A nil Begun has nothing to discard.
func (b *Begun) Discard(ctx context.Context) {
	if b == nil {
		return
	}
	b.discard.Do(func() {
		if b.taken.CompareAndSwap(false, true) {
			b.drop(context.WithoutCancel(ctx))
		}
	})
}

func (b *Begun) drop(ctx context.Context) {
	b.cancel()
	<-b.ready
	if b.err == nil {
		_ = hooks.Recovered(func() error { b.run.abandon(ctx); return nil })
	}
}
