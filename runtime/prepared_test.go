package runtime

import (
	"context"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
)

// A bookend-exec that was started before it was known what for stages a hook
// like any other.
func TestPreparedStagesAHook(t *testing.T) {
	c := createAnother(t, nil)
	p := c.executor.Prepare()
	s := c.executor.Stage(c.Context(), p, c.Container, &hooks.Exec{Command: []string{"sh", "-c", "echo hello"}}, nil, nil)
	<-s.started
	if s.err != nil || s.run != p.run {
		t.Fatalf("staged with %p (%v), prepared %p", s.run, s.err, p.run)
	}
	c.runcDo("start", c.ID)
	if got := s.Run(c.Context()); got.Cause != "" || string(got.Stdout) != "hello\n" {
		t.Errorf("got %+v", got)
	}
}

// One that gets no container ends, and what was to read from it as well.
func TestPreparedDiscardedEnds(t *testing.T) {
	c := createAnother(t, nil)
	p := c.executor.Prepare()
	p.Discard()
	<-p.ready
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, o := range []*output{p.run.stdout, p.run.stderr, p.run.log} {
		o.awaitEnd(ctx)
	}
	select {
	case <-p.run.reaped:
	case <-ctx.Done():
		t.Error("bookend-exec waits on for a request that does not come")
	}
}

// A hook that is not wanted any more before its bookend-exec is up lets go of it.
func TestPreparedIsLetGoByADiscardedHook(t *testing.T) {
	c := createAnother(t, nil)
	p := &Prepared{ready: make(chan struct{})}
	s := c.executor.Stage(c.Context(), p, c.Container, &hooks.Exec{Command: []string{"true"}}, nil, nil)
	s.Discard(c.Context())
	<-s.started
	run := newExecRun()
	if err := run.launch(c.executor, true); err != nil {
		t.Fatal(err)
	}
	p.run = run
	close(p.ready)
	select {
	case <-run.reaped:
	case <-time.After(time.Minute):
		t.Error("bookend-exec was left")
	}
}
