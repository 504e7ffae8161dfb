package hooks

import (
	"fmt"
	"syscall"
	"time"
)

// Outcome is how a hook, or one attempt of it, ended.
type Outcome string

// Every outcome there is.
const (
	Succeeded Outcome = "Succeeded"
	Failed    Outcome = "Failed"
	TimedOut  Outcome = "TimedOut"
	Cancelled Outcome = "Cancelled"
	// Unknown is the outcome of an attempt whose shim died before it could
	// tell. No hook that runs comes to it: only records have it.
	Unknown Outcome = "Unknown"
)

// Cause is why an attempt failed. The list is fixed: a cause appears in errors
// and events that more people may read than logs, so it must never carry
// anything a hook or its author wrote.
type Cause string

// Every cause there is. The empty cause goes with success.
const (
	CauseExitCode         Cause = "exit status"       // Report.ExitCode says which
	CauseSignal           Cause = "killed by signal"  // Report.Signal says which
	CauseNotFound         Cause = "command not found" // ENOENT, ENOTDIR on the command or the working directory
	CausePermission       Cause = "permission denied" // EACCES, EPERM on the command or the working directory
	CauseBadFormat        Cause = "exec format error" // ENOEXEC
	CauseCannotStart      Cause = "cannot be started" // any other reason before the first instruction
	CausePaused           Cause = "container is paused"
	CauseGone             Cause = "container is gone" // the namespaces cannot be joined any more
	CauseConnect          Cause = "connection failed" // refused, unreachable, reset, no address
	CauseResolve          Cause = "name resolution failed"
	CauseTLS              Cause = "TLS handshake failed"
	CauseProtocol         Cause = "invalid HTTP response"
	CauseRedirect         Cause = "redirect refused"  // more than 10, or a scheme that is not HTTP
	CauseUnexpectedStatus Cause = "unexpected status" // Report.Status says which
	CauseTimeout          Cause = "timed out"
	CauseCancelled        Cause = "cancelled"
	CauseInternal         Cause = "internal error" // bookend's own fault, a panic included
)

// Report is the result of one attempt of a handler.
type Report struct {
	Cause    Cause // empty: success
	ExitCode int
	Signal   syscall.Signal
	Status   int // HTTP status, 0: none came
	// Suspect marks a failure that the exit of the container's init would
	// explain just as well (killed by a signal bookend did not send, could not
	// join, lost its connection): it counts only when the init is alive.
	Suspect bool
	// Err is the detail for the record. It may name the command, or the URL with
	// its query, and goes neither to clients nor into the log.
	Err error
	// Runner is how an exec hook got into the container: "joiner", or "runtime"
	// for the exec command of the container's own runtime; empty if it did not
	// come to that, and for other handlers. RunnerReason is why it was "runtime".
	Runner, RunnerReason string
	// Stdout and Stderr are the last 64 KiB of each, exec only.
	Stdout, Stderr []byte
	// Late delivers what Stdout and Stderr are in the end, where processes of an
	// exec hook may go on printing after its first process has exited: one second
	// later, or when the last of them has closed its output. It has room for the
	// one value that comes, and is closed after it; nil: nothing comes.
	Late <-chan Printed
}

// Printed is what an exec hook has printed: the last 64 KiB of each.
type Printed struct{ Stdout, Stderr []byte }

// Result is the result of a hook, all attempts together.
type Result struct {
	Report
	Point    Point
	Handler  string
	Outcome  Outcome
	Attempts int
	Started  time.Time
	Duration time.Duration
}

// Message says what happened in words fit for clients and Kubernetes Events:
// handler, cause, exit code, signal or status, duration; nothing else.
//
//	exec: exit status 1 after 12ms
func (r Result) Message() string {
	return r.Brief() + " after " + r.Duration.Round(time.Millisecond).String()
}

// Brief is Message without the duration: where the same happens again, it says the
// same.
//
//	exec: exit status 1
func (r Result) Brief() string {
	what := string(r.Cause)
	switch r.Cause {
	case CauseExitCode:
		what = fmt.Sprintf("exit status %d", r.ExitCode)
	case CauseSignal:
		what = "killed by signal " + SignalText(r.Signal)
	case CauseUnexpectedStatus:
		what = fmt.Sprintf("unexpected status %d", r.Status)
	case "":
		what = "succeeded"
	}
	return r.Handler + ": " + what
}
