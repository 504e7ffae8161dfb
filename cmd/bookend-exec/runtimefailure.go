package main

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"bookend.dev/bookend/runtime/proc"
	"bookend.dev/bookend/runtime/wire"
)

// runtimeFailed classifies why the runtime did not run the hook.
func runtimeFailed(req wire.Request, err error) wire.Status {
	return wire.Status{Failure: &wire.Failure{
		Reason:  runtimeReason(req.Runtime.Init, err),
		Message: fmt.Sprintf("container %s: %v", req.ID, err),
	}}
}

func runtimeReason(init int, err error) wire.Reason {
	var said *runtimeError
	switch {
	case errors.Is(err, errEmptyCommand):
		return wire.NotFound
	case errors.As(err, &said):
		if r, ok := wire.CommandReason(said.message); ok {
			return r
		}
		if aboutCommand().MatchString(said.message) {
			return wire.ExecReason(said.message)
		}
	}
	if exited(init) {
		return wire.Gone
	}
	return wire.CannotStart
}

// aboutCommand are the ways in which crun speaks of the command and of its
// working directory. A runtime of which neither this nor [wire.CommandReason]
// knows the words fails with CannotStart.
func aboutCommand() *regexp.Regexp {
	return regexp.MustCompile("(?s)^(?:executable file `.*|cannot find ``.*|cannot open `.*|the path `.*|open executable|exec|exec `.*|chdir (?:to )?`.*): [^:]+$")
}

// exited tells whether the process has exited, or is about to: it cannot start
// anything any more.
func exited(pid int) bool {
	stat, err := proc.ReadStat(pid)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return stat.Exiting()
}
