package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/wire"
)

// runThroughRuntime carries req out through the exec command of the container's
// own runtime. It is run detached, so that it is gone when the hook runs and
// the hook's first process becomes a child of this one, which has said that it
// takes orphans:
//
//	bookend-exec              child of the shim
//	├── runtime exec --detach gone once the process runs; dies with bookend-exec
//	└── hook                  reaped here, so that its exit is told exactly
//
// In the foreground the runtime would make a signal an exit code, and wait for
// children that hold the output.
func runThroughRuntime(req wire.Request, stdout, stderr *os.File, started func(wire.Status)) wire.Status {
	// The main thread is kept for this goroutine: see callIn.
	runtime.LockOSThread()
	pid, err := startThroughRuntime(req, stdout, stderr)
	if err != nil {
		return runtimeFailed(req, err)
	}
	stdout.Close()
	stderr.Close()
	started(startedStatus(&req.Runtime, pid))
	exit, err := awaitAmongOrphans(pid)
	if err != nil {
		return runtimeFailed(req, fmt.Errorf("wait for hook: %w", err))
	}
	return wire.Status{Exit: &exit}
}

func startThroughRuntime(req wire.Request, stdout, stderr *os.File) (pid int, err error) {
	if len(req.Args) == 0 || req.Args[0] == "" {
		return 0, errEmptyCommand // of which runtimes make what they like
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, os.NewSyscallError("prctl", err)
	}
	// The runtime replaces its pid file by renaming, so this takes a directory.
	// It is in the bundle, and goes with it at the latest.
	dir, err := os.MkdirTemp(req.Bundle, "bookend-exec-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	pidFile := filepath.Join(dir, "pid")
	if err := callRuntime(req, pidFile, stdout, stderr); err != nil {
		return 0, err
	}
	data, err := os.ReadFile(pidFile)
	if err != nil {
		return 0, err
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(string(data))); err != nil {
		return 0, fmt.Errorf("pid file of %s: %w", req.Runtime.Path, err)
	}
	if !isChild(pid) {
		return 0, fmt.Errorf("%s exec left process %d to somebody else", req.Runtime.Path, pid)
	}
	return pid, nil
}
