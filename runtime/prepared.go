package runtime

import "context"

// Prepared is a bookend-exec that was started before there is a container for
// it, so that its own start costs a hook nothing. It waits for [Executor.Stage]
// to give it one.
type Prepared struct {
	ready chan struct{} // closed when run or err is set
	run   *execRun
	err   error
}

// Prepare starts a bookend-exec and returns at once. What it returns MUST be
// handed to [Executor.Stage], or discarded.
func (e *Executor) Prepare() *Prepared {
	p := &Prepared{ready: make(chan struct{})}
	go func() {
		defer close(p.ready)
		run := newExecRun()
		if p.err = guarded(func() error { return run.launch(e, true) }); p.err == nil {
			p.run = run
		}
	}()
	return p
}

// Discard lets the bookend-exec end that nobody has use for. A nil Prepared
// has nothing to discard.
func (p *Prepared) Discard() {
	if p == nil {
		return
	}
	go func() {
		<-p.ready
		if p.run != nil {
			p.run.closeOwnEnds()
		}
	}()
}

// take waits for the bookend-exec, whose owner the caller then is. At the end of
// ctx there is none for it.
func (p *Prepared) take(ctx context.Context) (*execRun, error) {
	select {
	case <-p.ready:
		return p.run, p.err
	case <-ctx.Done():
		p.Discard()
		return nil, context.Cause(ctx)
	}
}
