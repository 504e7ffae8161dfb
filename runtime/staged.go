package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/wire"
)

// Staged is an exec hook that is being started before its time: the work of
// joining the container is done while the container is created, as far as a
// gate at which the hook's process waits, and what is left is to open it.
//
// It is a handler like that of [Executor.Handler], to which it falls back in
// every further attempt and wherever a hook cannot be staged. The gate exits
// when the shim does.
//
//	Stage ── starting ── waiting ─┬─ Run       opened: the process becomes the command
//	                              └─ Discard   ended, as is all that was made for it
//
// Whichever of the two comes first has it. All methods may be called by any
// number of goroutines.
type Staged struct {
	handler *execHandler
	cancel  context.CancelFunc // ends the start
	taken   atomic.Bool        // by Run or Discard, to whom run belongs then
	started chan struct{}      // closed when run or err is set
	run     *execRun
	err     error
}

// Stage begins to start spec in c, which must have been created, and returns at
// once; p is the bookend-exec to use, nil: a new one. What [Executor.Handler]
// says of lines and late is true here too. The values of ctx are used, and its
// end means nothing: [Staged.Discard] MUST be called when the hook will not be
// run any more.
func (e *Executor) Stage(ctx context.Context, p *Prepared, c Container, spec *hooks.Exec, lines *HookLog, late func(stdout, stderr []byte)) *Staged {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Staged{
		handler: &execHandler{executor: e, container: c, spec: spec, log: lines, late: late},
		cancel:  cancel,
		started: make(chan struct{}),
	}
	go func() {
		defer close(s.started)
		s.err = guarded(func() error { return s.start(ctx, p) })
	}()
	return s
}

func (s *Staged) start(ctx context.Context, p *Prepared) error {
	if p == nil {
		p = s.handler.executor.Prepare()
	}
	req, err := s.handler.request(ctx)
	if err != nil {
		p.Discard()
		return errNoUserYet // the error names it
	}
	run, err := p.take(ctx)
	if err != nil {
		return err
	}
	req.Gated = true
	run.place(ctx, s.handler.container, s.handler.log)
	if err := run.begin(s.handler.container, req); err != nil {
		return err
	}
	s.run = run
	return nil
}

// Run implements [hooks.Handler]. The first call opens the gate; if the hook
// does not become its command by that, it is run as any other, so that what is
// reported never depends on whether it was staged.
func (s *Staged) Run(ctx context.Context) hooks.Report {
	if !s.taken.CompareAndSwap(false, true) {
		return s.handler.Run(ctx)
	}
	select {
	case <-s.started:
	case <-ctx.Done():
		s.drop(ctx)
		return hooks.Report{Cause: hooks.CauseCancelled, Err: context.Cause(ctx)}
	}
	defer s.cancel()
	logger := log.G(ctx).WithField("id", s.handler.container.ID)
	report, err := s.open(ctx)
	if err != nil {
		logger.WithError(err).Info("exec hook was not staged: it is started now")
		return s.handler.Run(ctx)
	}
	logger.Debug("exec hook was staged")
	return report
}

// open lets the hook run to its end. An error means that it never ran.
func (s *Staged) open(ctx context.Context) (hooks.Report, error) {
	if s.err != nil {
		return hooks.Report{}, s.err
	}
	if err := s.run.open(); err != nil {
		s.run.abandon(ctx)
		return hooks.Report{}, err
	}
	s.run.await(ctx)
	if err := s.run.neverRan(); err != nil && ctx.Err() == nil {
		s.run.abandon(ctx)
		return hooks.Report{}, err
	}
	return s.run.conclude(ctx, s.handler), nil
}

// Discard ends what was staged, in the background, unless it is running or has
// run. A nil Staged has nothing to discard.
func (s *Staged) Discard(ctx context.Context) {
	if s != nil && s.taken.CompareAndSwap(false, true) {
		s.drop(context.WithoutCancel(ctx))
	}
}

func (s *Staged) drop(ctx context.Context) {
	s.cancel()
	go func() {
		<-s.started
		if s.err != nil {
			return
		}
		_ = guarded(func() error { s.run.abandon(ctx); return nil })
	}()
}

// open lets the process at the gate become its command. An error means that
// nobody was there to see it.
func (r *execRun) open() error {
	select {
	case <-r.done:
		if err := r.neverRan(); err != nil {
			return err
		}
		return fmt.Errorf("%w: %s", errGateGone, r.log.drain())
	default:
	}
	// What it took to get to the gate printed, if it did, is not the hook's.
	r.stdout.forwardNew(r.stdoutLines)
	r.stderr.forwardNew(r.stderrLines)
	_, err := r.gate.Write([]byte{1})
	if err == nil {
		return nil
	}
	// Whoever closed the other end has said why, or ends without a word.
	late := time.NewTimer(lastWord)
	defer late.Stop()
	select {
	case <-r.done:
		return cmp.Or(r.neverRan(), err)
	case <-late.C:
		return err
	}
}

// lastWord bounds the wait for what bookend-exec has to say of a gate that is
// gone.
const lastWord = time.Second

// neverRan tells why the command was certainly not run, in words fit for the log:
// what names the command or its directory is reduced to its cause. It is nil where
// the command was run, or may have been.
func (r *execRun) neverRan() error {
	select {
	case <-r.done:
	default:
		return nil
	}
	switch exit, failure := r.last.Exit, r.last.Failure; {
	case failure != nil:
		if _, ok := wire.CommandReason(failure.Message); ok {
			return errors.New(string(failureReport(failure).Cause))
		}
		return errors.New(failure.Message)
	case exit != nil && exit.NeverRan:
		return errors.New(string(neverRan(r.stderr.drain()).Cause))
	}
	return nil
}

// abandon ends a run of which nothing is wanted any more. The gate, where it
// can still run, is gone first.
func (r *execRun) abandon(ctx context.Context) {
	r.gate.Close()
	select {
	case <-r.done:
		r.killTree(ctx)
	default:
		r.kill(ctx)
	}
	r.finish(nil)
}

var (
	errGateGone  = errors.New("the process at the gate ended before its time")
	errNoUserYet = errors.New("the hook's user cannot be looked up")
)
