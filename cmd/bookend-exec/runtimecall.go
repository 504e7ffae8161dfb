package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/wire"
)

// runtimeError is what the runtime said when it failed.
type runtimeError struct {
	runtime string // its name
	message string // the last line of its log; empty: it wrote none
	err     error
}

func (e *runtimeError) Error() string {
	if e.message == "" {
		return fmt.Sprintf("%s exec: %v", e.runtime, e.err)
	}
	return fmt.Sprintf("%s exec: %s", e.runtime, e.message)
}

func (e *runtimeError) Unwrap() error { return e.err }

// callRuntime runs the runtime's exec until the process that it starts is
// about to become the command.
func callRuntime(req wire.Request, pidFile string, stdout, stderr *os.File) error {
	process, err := runtimeProcess(req)
	if err != nil {
		return err
	}
	spec, err := memory("process.json", process)
	if err != nil {
		return err
	}
	defer spec.Close()
	log, err := memory("log", nil)
	if err != nil {
		return err
	}
	defer log.Close()
	args := append([]string{filepath.Base(req.Runtime.Path)}, req.Runtime.Args...)
	args = append(args, "--log", pathOf(log), "--log-format", "json",
		"exec", "--process", pathOf(spec), "--detach", "--pid-file", pidFile)
	if req.Runtime.HookCgroup != "" && req.Runtime.Unified {
		args = append(args, "--cgroup", filepath.Base(req.Runtime.HookCgroup))
	}
	cmd := &exec.Cmd{
		Path: req.Runtime.Path, Args: append(args, req.ID), Env: req.Runtime.Env, Dir: "/",
		Stdout: stdout, Stderr: stderr,
		// A cancelled hook's bookend-exec is killed; nothing starts after that. A
		// runtime that gives the hook no session of its own (crun) must not leave
		// it in the shim's.
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true},
	}
	if _, err := unix.FcntlInt(wire.NullFD, unix.F_GETFD, 0); err == nil {
		cmd.Stdin = os.NewFile(wire.NullFD, "null")
	}
	err = callIn(&req.Runtime, cmd)
	if err != nil {
		return &runtimeError{filepath.Base(req.Runtime.Path), lastMessage(log), err}
	}
	return nil
}

// callIn runs cmd to its end. On cgroup v1 it does so in a mount namespace where
// the hook's freezer cgroup lies over the container's own: no runtime but runc
// can be told of a cgroup for one controller alone, and a process that is moved
// after it has started may have forked. cmd's parent must not end before cmd
// does, nor outlive it and keep the mounts: it is a thread made for this.
func callIn(r *wire.Runtime, cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends here
		if r.HookCgroup != "" && !r.Unified {
			if err := cover(r.Cgroup, r.HookCgroup); err != nil { // ensureInCgroup comes too late, but comes
				fmt.Fprintf(os.Stderr, "bookend-exec: give the runtime the hook's cgroup: %v\n", err)
			}
		}
		done <- cmd.Run()
	}()
	return <-done
}

// cover puts the directory over on top of dir in a mount namespace of this
// thread's own, of which no other learns.
func cover(dir, over string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return &os.PathError{Op: "make slave", Path: "/", Err: err}
	}
	if err := unix.Mount(over, dir, "", unix.MS_BIND, ""); err != nil {
		return &os.PathError{Op: "bind", Path: dir, Err: err}
	}
	return nil
}

// memory is a file in memory that holds data: what the runtime is told may
// carry secrets, and leaves nothing behind this way.
func memory(name string, data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("bookend-"+name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(data); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// pathOf is a path by which other processes can open f.
func pathOf(f *os.File) string {
	return filepath.Join("/proc", strconv.Itoa(os.Getpid()), "fd", strconv.Itoa(int(f.Fd())))
}

// lastMessage finds the last error in the runtime's log, of a line
// {"level":"error","msg":…} each.
func lastMessage(log *os.File) string {
	data, err := io.ReadAll(io.NewSectionReader(log, 0, 1<<20))
	if err != nil {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	slices.Reverse(lines)
	for _, line := range lines {
		var entry struct{ Level, Msg string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg != "" && (entry.Level == "error" || entry.Level == "fatal") {
			return entry.Msg
		}
	}
	return string(lines[0])
}
