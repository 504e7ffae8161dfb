package runtime

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/internal/stepper"
)

// ran is a hook that leaves word of having run.
var ran = hooks.Exec{Command: []string{"touch", "/scratch/ran"}}

// wantNotRun checks that the command was never executed and that it reads so.
func (a *attack) wantNotRun() {
	a.c.Helper()
	if a.c.took("ran") {
		a.c.Errorf("at %v: the command ran", a.step)
	}
	if a.report.Err == nil || a.report.Cause == hooks.CauseExitCode {
		a.c.Errorf("at %v: the hook reads as one that ran: %+v", a.step, a.report)
	}
}

// wantAlive checks that the container did not suffer.
func (a *attack) wantAlive() {
	a.c.Helper()
	if a.c.Init.Liveness() != hooks.Alive {
		a.c.Errorf("at %v: the container died", a.step)
	}
}

func TestAttackChildKilledByTheContainer(t *testing.T) {
	c := startContainer(t, nil)
	v := c.villain()
	c.eachStep(hookProcess, ran, func(a *attack) stepper.Verdict {
		if said := v.do(fmt.Sprintf("kill -9 %d", pidInside(t, a.step.Pid))); said != "" {
			t.Errorf("at %v: kill: %s", a.step, said)
		}
		return stepper.Detach
	}, func(a *attack) {
		a.wantNotRun()
		a.wantAlive()
	})
}

// Stopped by the container, the child would stand for ever. The hook's deadline
// ends it.
func TestAttackChildStoppedByTheContainer(t *testing.T) {
	c := startContainer(t, nil)
	v := c.villain()
	c.eachStep(hookProcess, ran, func(a *attack) stepper.Verdict {
		pid := pidInside(t, a.step.Pid)
		outside := a.step.Pid
		a.beside.Go(func() {
			defer a.cancel(errCut)
			awaitStopped(outside)
		})
		if said := v.do(fmt.Sprintf("kill -STOP %d", pid)); said != "" {
			t.Errorf("at %v: kill: %s", a.step, said)
		}
		return stepper.Detach
	}, func(a *attack) {
		if a.report.Cause != hooks.CauseCancelled {
			t.Errorf("at %v: got %+v", a.step, a.report)
		}
		// Called to execve, it has its signal only as the command.
		if stepper.Name(a.step.Nr) != "execve" {
			a.wantNotRun()
		}
		c.took("ran")
		a.wantAlive()
	})
}

// A process of the container that may trace nothing gets at nothing of a
// hook's process before that is the command.
func TestAttackChildTracedByTheContainer(t *testing.T) {
	c := startContainer(t, nil)
	c.tracer()
	v := c.villain()
	c.eachStep(hookProcess, ran, func(a *attack) stepper.Verdict {
		said := v.do(fmt.Sprintf("/scratch/trace %d quick", pidInside(t, a.step.Pid)))
		if said == "" || strings.Contains(said, "attached") || strings.Contains(said, "EFAULT") {
			t.Errorf("at %v: the container gets at the hook's process:\n%s", a.step, said)
		}
		return stepper.Detach
	}, func(a *attack) {
		wantReport(t, a.report, hooks.Report{})
		if !c.took("ran") {
			t.Errorf("at %v: the command did not run", a.step)
		}
	})
}

// The same with ptrace(2) itself, which one tracer keeps from another: the
// child stands still, untraced, after the call of the step.
func TestAttackChildSeizedByTheContainer(t *testing.T) {
	c := startContainer(t, nil)
	c.tracer()
	v := c.villain()
	c.eachStep(hookProcess, ran, func(a *attack) stepper.Verdict {
		outside, inside := a.step.Pid, pidInside(t, a.step.Pid)
		a.beside.Go(func() {
			defer func() { _ = unix.Kill(outside, unix.SIGCONT) }()
			if !awaitStopped(outside) {
				t.Errorf("at %v: the child does not stop", a.step)
				return
			}
			if program(outside) == "touch" {
				return // executed: it is the container's from there on
			}
			said := v.do(fmt.Sprintf("/scratch/trace %d", inside))
			if !strings.Contains(said, "seize: EPERM") {
				t.Errorf("after %v: the container seizes the hook's process:\n%s", a.step, said)
			}
		})
		return stepper.DetachStopped
	}, func(a *attack) { wantReport(t, a.report, hooks.Report{}) })
}

// One that may trace everything can stop a hook. It ends at its deadline.
func TestAttackChildHeldByATracer(t *testing.T) {
	c := startContainer(t, nil)
	c.tracer()
	v := c.villain("CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_SETPCAP")
	c.eachStep(hookProcess, ran, func(a *attack) stepper.Verdict {
		outside, inside := a.step.Pid, pidInside(t, a.step.Pid)
		a.beside.Go(func() {
			defer a.cancel(errCut)
			if !awaitStopped(outside) {
				t.Errorf("at %v: the child does not stop", a.step)
				return
			}
			v.do(fmt.Sprintf("/scratch/trace %d >/scratch/said & sleep 0", inside))
			poll(earlyEnd(), func() bool { return strings.Contains(c.scratch("said"), "seize") })
			_ = unix.Kill(outside, unix.SIGCONT)
		})
		return stepper.DetachStopped
	}, func(a *attack) {
		if a.report.Cause != hooks.CauseCancelled && a.report.Err != nil {
			t.Errorf("at %v: got %+v", a.step, a.report)
		}
		v.do("killall -9 trace 2>/dev/null")
		a.wantAlive()
	})
}
