package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/wire"
)

// startedStatus tells where the process pid, a child, was started.
func startedStatus(r *wire.Runtime, pid int) wire.Status {
	s := wire.Status{Pid: pid, OutsideCgroup: !ensureInCgroup(r, pid)}
	if session, err := unix.Getsid(pid); err == nil && session != pid {
		s.Session = session
	}
	return s
}

// ensureInCgroup makes sure that the process pid, a child, is in the hook's cgroup, if
// there is one, and tells whether it was from the start.
func ensureInCgroup(r *wire.Runtime, pid int) bool {
	if r.HookCgroup == "" || inCgroup(r, pid) || exited(pid) {
		return true
	}
	err := os.WriteFile(filepath.Join(r.HookCgroup, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bookend-exec: move hook into its cgroup: %v\n", err)
	}
	return false
}

// inCgroup looks for the cgroup's name below the container's at the end of a line
// of /proc/<pid>/cgroup. Of a process that has exited v1 says nothing.
func inCgroup(r *wire.Runtime, pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return false
	}
	end := []byte("/" + filepath.Base(r.Cgroup) + "/" + filepath.Base(r.HookCgroup))
	return slices.ContainsFunc(bytes.Split(data, []byte("\n")), func(line []byte) bool { return bytes.HasSuffix(line, end) })
}
