package main

import (
	"errors"

	"github.com/opencontainers/runc/libcontainer"

	"bookend.dev/bookend/runtime/wire"
)

// failed classifies why the hook was not run. container may be nil.
func failed(container *libcontainer.Container, err error) wire.Status {
	return wire.Status{Failure: &wire.Failure{Reason: reason(container, err), Message: err.Error()}}
}

func reason(container *libcontainer.Container, err error) wire.Reason {
	switch {
	case errors.Is(err, errPaused):
		return wire.Paused
	case errors.Is(err, errStopped), errors.Is(err, libcontainer.ErrNotExist), errors.Is(err, libcontainer.ErrNotRunning):
		return wire.Gone
	}
	if r, ok := wire.CommandReason(err.Error()); ok {
		return r
	}
	// A container that stops while it is being joined fails in as many ways
	// as there are steps; that it has stopped is the reason for all of them.
	if container != nil && errors.Is(joinable(container), errStopped) {
		return wire.Gone
	}
	return wire.CannotStart
}
