package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/wire"
)

// finalReport returns the report of a run that was awaited.
func (r *execRun) finalReport(ctx context.Context, h *execHandler) hooks.Report {
	report := r.report(ctx)
	stdout, stdoutEnded := r.stdout.drain()
	stderr, stderrEnded := r.stderr.drain()
	if !r.failed() { // else what was printed is the runtime's
		report.Stdout, report.Stderr = stdout, stderr
	}
	report.Runner = r.by
	if r.by == ByRuntime {
		report.RunnerReason = h.container.Runner.why()
	}
	if stdoutEnded && stderrEnded { // what was drained is all there is
		r.finish(nil)
		return report
	}
	late := make(chan hooks.Printed, 1)
	report.Late = late
	r.finish(late)
	return report
}

// failed tells whether the command was certainly not run.
func (r *execRun) failed() bool {
	return r.ended() && (r.last.Failure != nil || r.last.Exit != nil && r.last.Exit.NeverRan)
}

// report turns what the program said last into a report, without the output.
func (r *execRun) report(ctx context.Context) hooks.Report {
	if !r.ended() { // it does not even die
		return hooks.Report{Cause: hooks.CauseCancelled, Err: context.Cause(ctx)}
	}
	switch exit, failure := r.last.Exit, r.last.Failure; {
	case failure != nil:
		return failureReport(failure)
	case exit != nil && exit.Signal != 0:
		// Killed by us, this is overruled as the end of ctx.
		return hooks.Report{
			Cause: hooks.CauseSignal, Signal: syscall.Signal(exit.Signal), Suspect: true,
			Err: fmt.Errorf("hook process killed by signal %s", hooks.SignalText(syscall.Signal(exit.Signal))),
		}
	case exit != nil && exit.NeverRan:
		said, _ := r.stderr.drain()
		return neverRan(said)
	case exit != nil && exit.Code != 0:
		return hooks.Report{
			Cause: hooks.CauseExitCode, ExitCode: exit.Code,
			Err: fmt.Errorf("hook process exited with status %d", exit.Code),
		}
	case exit != nil:
		return hooks.Report{}
	case ctx.Err() != nil:
		return hooks.Report{Cause: hooks.CauseCancelled, Err: context.Cause(ctx)}
	}
	// The program died, and no one waits for the hook any more.
	r.killTree(ctx)
	return hooks.Report{Cause: hooks.CauseInternal, Err: r.died()}
}

// died is what is known of a program that ended without a word of the hook.
func (r *execRun) died() error {
	err := fmt.Errorf("%s ended with status %d and no word of the hook", r.cmd.Args[0], r.status)
	if r.complaints != nil {
		said, _ := r.complaints.drain()
		err = fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// awaitFailure tells why the program is gone, or nil where it has said nothing of
// that for a while.
func (r *execRun) awaitFailure() error {
	late := time.NewTimer(failureTime)
	defer late.Stop()
	select {
	case <-r.done:
		if r.last.Failure != nil {
			return r.failure()
		}
	case <-late.C:
	}
	return nil
}

// failureTime bounds the wait for what a program has to say whose hook is gone.
const failureTime = time.Second

// failureReport is the report of a command that was not run. The exit of the
// container's init explains any such failure that does not lie in the command.
func failureReport(f *wire.Failure) hooks.Report {
	report := hooks.Report{Err: errors.New(f.Message)}
	switch f.Reason {
	case wire.NotFound:
		report.Cause = hooks.CauseNotFound
	case wire.Permission:
		report.Cause = hooks.CausePermission
	case wire.BadFormat:
		report.Cause = hooks.CauseBadFormat
	case wire.Gone:
		report.Cause, report.Suspect = hooks.CauseGone, true
	default:
		report.Cause, report.Suspect = hooks.CauseCannotStart, true
	}
	return report
}

// neverRan is the report of a process of a runtime's that failed in execve(2)
// itself: what it printed is not the hook's output but the reason.
func neverRan(stderr []byte) hooks.Report {
	message := strings.TrimSpace(string(stderr))
	return failureReport(&wire.Failure{Reason: wire.ExecReason(message), Message: message})
}
