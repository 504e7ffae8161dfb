package runtime

import (
	"context"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/internal/stepper"
)

// begunAttack is a hook that begins, with something done at one step of one of
// its processes.
type begunAttack struct {
	c     *testContainer
	b     *Begun
	steps []string       // of the process, until the step or the gate
	step  *stepper.Step  // nil: the process has no such step before the gate
	seen  map[int]uint64 // start times by pid of all processes of the hook
	ended chan struct{}  // closed when nothing is traced any more
}

// beginAt begins hook and calls do when the n-th step of the process with the
// index has come, after which the process is stopped, or the gate.
func (c *testContainer) beginAt(hook *hooks.Exec, index, n int, do func(*begunAttack)) *begunAttack {
	c.Helper()
	a := &begunAttack{c: c, seen: map[int]uint64{}, ended: make(chan struct{})}
	reached := make(chan struct{})
	m := newStepped(func(s *stepper.Step) stepper.Verdict {
		if _, ok := a.seen[s.Pid]; !ok {
			a.seen[s.Pid] = startTime(s.Pid)
		}
		if a.step != nil {
			return stepper.Detach
		}
		if s.Index == index {
			a.steps = append(a.steps, stepper.Name(s.Nr))
		}
		const gate = 4 // START_FD of the joiner
		last := s.Index == hookProcess && s.Nr == unix.SYS_READ && s.Args[0] == gate
		switch {
		case s.Index == index && s.N == n:
			a.step = s
		case !last:
			return stepper.Continue
		}
		close(reached)
		if a.step == nil {
			return stepper.Detach
		}
		return stepper.DetachStopped
	})
	c.executor.monitor = m
	a.b = c.executor.Begin(c.Context(), c.Container, hook, nil)
	<-reached
	do(a)
	go func() { defer close(a.ended); m.tracing.Wait() }()
	<-a.ended
	return a
}

// wantGone checks that nothing of the hook remains now.
func (a *begunAttack) wantGone() {
	a.c.Helper()
	for pid, start := range a.seen {
		// One that has closed its files may be seen on its way out.
		gone := poll(time.Now().Add(time.Second), func() bool { return startTime(pid) != start || dead(pid) })
		if !gone {
			a.c.Errorf("at %v: process %d %s remains", a.step, pid, state(pid))
		}
	}
	a.c.wantNothingLeft(a.b)
	if a.c.took("ran") {
		a.c.Errorf("at %v: the command ran", a.step)
	}
}

// eachBegunStep begins the hook once for each step up to the gate of each of its
// two processes.
func eachBegunStep(t *testing.T, do func(*begunAttack)) {
	c := createForBegun(t, nil)
	c.awaitPlan()
	for _, index := range []int{joinerProcess, hookProcess} {
		for n := 1; ; n++ {
			a := c.beginAt(&ran, index, n, do)
			if t.Failed() {
				t.Fatalf("stopped at %v", a.step)
			}
			if a.step == nil {
				t.Logf("%d steps of %s", n-1, [...]string{"the joiner", "its child"}[index])
				break
			}
		}
	}
	if c.Init.Liveness() != hooks.Alive {
		t.Error("the init died")
	}
}

func TestBegunDiscardedAtEachStep(t *testing.T) {
	eachBegunStep(t, func(a *begunAttack) {
		a.b.Discard(context.Background())
		a.wantGone()
	})
}

// Cancelled at each step on its way to the command, it leaves nothing.
func TestBegunCancelledAtEachStep(t *testing.T) {
	needsJoiner(t)
	c := startContainer(t, nil)
	c.awaitPlan()
	kind := attackKind{hook: hooks.Exec{Command: []string{"sleep", "1001"}}, stays: true, begun: true}
	for _, process := range []int{joinerProcess, hookProcess} {
		c.each(kind, process, func(a *attack) stepper.Verdict {
			a.cancel(errCut)
			return stepper.Detach
		}, func(a *attack) {
			if a.report.Cause != hooks.CauseCancelled {
				t.Errorf("at %v: got %+v", a.step, a.report)
			}
			a.wantAlive()
		})
	}
}

// Up to the gate the hook's process opens nothing by a name, but for what it
// does through the host's /proc, and goes nowhere.
func TestBegunMakesNoCallForAFileBeforeTheGate(t *testing.T) {
	c := createForBegun(t, nil)
	c.awaitPlan()
	a := c.beginAt(&ran, hookProcess, -1, func(a *begunAttack) { a.b.Discard(context.Background()) })
	looks := []string{"open", "openat", "openat2", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2",
		"readlink", "readlinkat", "chdir", "fchdir", "execve", "execveat", "statfs"}
	for _, name := range a.steps {
		if slices.Contains(looks, name) {
			t.Errorf("before the gate it calls %s", name)
		}
	}
	if len(a.steps) < 5 {
		t.Errorf("steps: %v", a.steps)
	}
	t.Log(a.steps)
}
