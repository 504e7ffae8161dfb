package shim

import (
	"errors"
	"fmt"

	"bookend.dev/bookend/hooks"
)

// Why a withheld Start did not succeed. The service maps them to gRPC codes.
var (
	// errPostStartFailed matches every *postStartError.
	errPostStartFailed = errors.New(reasonPostStart)
	// errStoppedWhileStarting: a stop signal came before Start had replied.
	errStoppedWhileStarting = errors.New("stopped while starting: a stop signal arrived before postStart had returned")
	// errStartDeadline: the Start call ran out of time.
	errStartDeadline = errors.New("the deadline of Start passed before postStart had returned; the container was killed")
	// errBroken: bookend's own code for this container failed.
	errBroken = errors.New("hooks of this container broke down")
)

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
