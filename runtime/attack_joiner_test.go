package runtime

import (
	"testing"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/internal/stepper"
)

// once is a hook that leaves word of each run and stays.
var once = hooks.Exec{Command: []string{"sh", "-c", "echo >>/scratch/runs; exec sleep 1001"}}

// wantEnded checks what a hook reads as whose joiner was killed: it may have run
// or not. That it is begun again through the runtime, which attack ends at once,
// is right only where it never ran.
func (a *attack) wantEnded() {
	a.c.Helper()
	runs := len(a.c.scratch("runs"))
	a.c.took("runs")
	switch {
	case runs > 1 || a.fell && runs > 0:
		a.c.Errorf("at %v: the command ran %d times", a.step, runs)
	case a.report.Err == nil || a.report.Cause == hooks.CauseExitCode:
		a.c.Errorf("at %v: got %+v", a.step, a.report)
	}
	a.wantAlive()
}

// Killed itself, the joiner takes its child along, or the executor does.
func TestAttackJoinerKilled(t *testing.T) {
	for _, process := range []int{joinerProcess, hookProcess} {
		t.Run([]string{"at its own steps", "at its child's steps"}[process], func(t *testing.T) {
			c := startContainer(t, nil)
			c.each(attackKind{hook: once, stays: true}, process, func(a *attack) stepper.Verdict {
				joiner := a.step.Process
				if process == hookProcess {
					joiner = joiner.Parent
				}
				must(t, unix.Kill(joiner.Pid, unix.SIGKILL))
				return stepper.Detach
			}, (*attack).wantEnded)
		})
	}
}

// Cancelled at each step, a hook leaves nothing.
func TestAttackHookCancelledAtEachStep(t *testing.T) {
	c := startContainer(t, nil)
	stay := hooks.Exec{Command: []string{"sleep", "1001"}}
	for _, process := range []int{joinerProcess, hookProcess} {
		c.each(attackKind{hook: stay, stays: true}, process, func(a *attack) stepper.Verdict {
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
