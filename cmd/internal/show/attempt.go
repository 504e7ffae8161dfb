package show

import (
	"cmp"
	"fmt"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// What is shown as an outcome and is none of a hook.
const (
	Running     hooks.Outcome = "Running"     // of an attempt: it has none yet
	Undelivered hooks.Outcome = "Undelivered" // of a stop signal: it still cannot be sent
	Delivered   hooks.Outcome = "Delivered"   // it was sent in the end
	Ended       hooks.Outcome = "Ended"       // the container's init ended before
)

// outcomes are all that [Outcome] returns.
var outcomes = []hooks.Outcome{
	hooks.Succeeded, hooks.Failed, hooks.TimedOut, hooks.Cancelled, hooks.Unknown, Running,
	Undelivered, Delivered, Ended,
}

// deliveries are what is shown of stop signals that are no longer undelivered.
var deliveries = map[record.Delivery]hooks.Outcome{record.Delivered: Delivered, record.Ended: Ended}

// Outcomes are the names of all that [Outcome] returns.
func Outcomes() []string {
	names := make([]string, len(outcomes))
	for i, o := range outcomes {
		names[i] = string(o)
	}
	return names
}

// Hook is what a record is about: a hook, or "stop".
func Hook(r record.Record) string { return cmp.Or(string(r.Kind), string(r.Hook)) }

// Hooks are the names of all that [Hook] returns.
func Hooks() []string {
	return []string{string(hooks.PostStart), string(hooks.PreStop), string(record.Stop)}
}

// Outcome is how an attempt or a stop ended, or that it has not.
func Outcome(r record.Record) hooks.Outcome {
	switch {
	case r.Running && r.Kind == record.Stop:
		return Undelivered
	case r.Running:
		return Running
	default:
		return cmp.Or(r.Outcome, deliveries[r.Delivery], hooks.Unknown)
	}
}

// Cause is why an attempt did not succeed, with exit code, signal or status; of
// a success, the status that was answered; of a stop, its signal. Empty: there
// is nothing to say.
func Cause(r record.Record) string {
	switch {
	case r.Kind == record.Stop:
		return r.StopSignal
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

// Duration is how long an attempt or a stop took, or has taken by now, to the
// millisecond; 0: not known.
func Duration(r record.Record, now time.Time) time.Duration {
	if r.Running {
		return max(0, now.Sub(r.Started)).Round(time.Millisecond)
	}
	return time.Duration(r.DurationSeconds * float64(time.Second)).Round(time.Millisecond)
}
