package show

import (
	"cmp"
	"fmt"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// Running is shown as the outcome of an attempt that has none yet.
const Running hooks.Outcome = "Running"

// outcomes are all that [Outcome] returns.
var outcomes = []hooks.Outcome{hooks.Succeeded, hooks.Failed, hooks.TimedOut, hooks.Cancelled, hooks.Unknown, Running}

// Outcomes are the names of all that [Outcome] returns.
func Outcomes() []string {
	names := make([]string, len(outcomes))
	for i, o := range outcomes {
		names[i] = string(o)
	}
	return names
}

// Outcome is how an attempt ended, or that it runs.
func Outcome(r record.Record) hooks.Outcome {
	if r.Running {
		return Running
	}
	return cmp.Or(r.Outcome, hooks.Unknown)
}

// Cause is why an attempt did not succeed, with exit code, signal or status; of
// a success, the status that was answered. Empty: there is nothing to say.
func Cause(r record.Record) string {
	switch {
	case r.Cause == hooks.CauseExitCode && r.ExitCode != nil:
		return fmt.Sprintf("exit status %d", *r.ExitCode)
	case r.Cause == hooks.CauseSignal && r.Signal > 0:
		return "killed by signal " + hooks.SignalText(syscall.Signal(r.Signal))
	case r.Cause == hooks.CauseUnexpectedStatus:
		return fmt.Sprintf("unexpected status %d", r.HTTPStatus)
	case r.Cause == "" && r.HTTPStatus > 0:
		return fmt.Sprintf("HTTP %d", r.HTTPStatus)
	default:
		return string(r.Cause)
	}
}

// Duration is how long an attempt took, or has been running by now, to the
// millisecond; 0: not known.
func Duration(r record.Record, now time.Time) time.Duration {
	if r.Running {
		return max(0, now.Sub(r.Started)).Round(time.Millisecond)
	}
	return time.Duration(r.DurationSeconds * float64(time.Second)).Round(time.Millisecond)
}
