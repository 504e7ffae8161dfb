package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

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
	case errors.Is(err, errPaused):
		return wire.Paused
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
	if ended(init) {
		return wire.Gone
	}
	return wire.CannotStart
}

// aboutCommand are the ways in which crun speaks of the command and of its
// working directory. A runtime of which neither this nor [wire.CommandReason]
// knows the words fails with CannotStart.
func aboutCommand() *regexp.Regexp {
	return regexp.MustCompile("(?s)^(?:executable file `.*|open executable|exec|exec `.*|chdir `.*): [^:]+$")
}

// ended tells whether the process has exited, reaped or not.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	state := bytes.TrimSpace(stat[bytes.LastIndexByte(stat, ')')+1:])
	return len(state) > 0 && (state[0] == 'Z' || state[0] == 'X')
}
