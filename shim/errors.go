package shim

import (
	"errors"
	"fmt"

	"bookend.dev/bookend/hooks"
)

// The first four say why a withheld Start did not succeed. The service maps them
// to gRPC codes.
var (
	// errPostStartFailed matches every *postStartError.
	errPostStartFailed = errors.New(reasonPostStart)
	// errStoppedWhileStarting: a stop signal came before Start had replied.
	errStoppedWhileStarting = errors.New("stopped while starting: a stop signal arrived before postStart had returned")
	// errStartDeadline: the Start call ran out of time and the container is gone.
	errStartDeadline = errors.New("the deadline of Start passed before postStart had returned; the container was killed")
	// errKillPending matches every *killPendingError.
	errKillPending = errors.New("the container still runs, its kill is pending")
	// errBroken: bookend's own code for this container failed.
	errBroken = errors.New("hooks of this container broke down")
	// errPaused: no one resumed the container of an exec hook in time.
	errPaused = errors.New("container is paused")
)

// killPendingError is the deadline of a Start whose container is being killed
// and has not ended. cause is why; nil: something else killed it.
type killPendingError struct{ cause error }

func (e *killPendingError) Error() string {
	if e.cause == nil || errors.Is(e.cause, errStartDeadline) {
		return fmt.Sprintf("the deadline of Start passed before postStart had returned; %v", errKillPending)
	}
	return fmt.Sprintf("%v; %v", e.cause, errKillPending)
}

func (e *killPendingError) Is(target error) bool { return target == errKillPending }

// Reasons, as Kubernetes names them in its events.
const (
	reasonPostStart = "FailedPostStartHook"
	reasonPreStop   = "FailedPreStopHook"
)

// postStartError is a postStart that failed and took its container along.
type postStartError struct{ result hooks.Result }

func (e *postStartError) Error() string {
	return fmt.Sprintf("%s: %s", reasonPostStart, e.result.Message())
}

func (e *postStartError) Is(target error) bool { return target == errPostStartFailed }
