package main

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/proc"
	"bookend.dev/bookend/runtime/wire"
)

// awaitAmongOrphans reaps the child pid, and until then whatever else ends: in
// a pid namespace that is not its own, a hook's orphans come to this process.
func awaitAmongOrphans(pid int) (wire.Exit, error) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil)
		switch ended := pidOf(&info); {
		case err == unix.EINTR:
		case err != nil:
			return wire.Exit{}, os.NewSyscallError("waitid", err)
		case ended == pid:
			neverRan := neverExecuted(pid)
			ws, err := reapPid(pid)
			if err != nil {
				return wire.Exit{}, err
			}
			if ws.Signaled() {
				return wire.Exit{Signal: int(ws.Signal()), NeverRan: neverRan}, nil
			}
			return wire.Exit{Code: ws.ExitStatus(), NeverRan: neverRan}, nil
		default:
			if _, err := reapPid(ended); err != nil {
				return wire.Exit{}, err
			}
		}
	}
}

// neverExecuted tells whether the child pid, which has ended and was not reaped,
// never became its command.
//
// A runtime closes every descriptor it could report over before execve(2), so
// that a failure there looks like a command that prints a line and exits 255. The
// kernel knows better, as long as the process is a zombie.
func neverExecuted(pid int) bool {
	stat, err := proc.ReadStat(pid)
	return err == nil && stat.NeverExecuted()
}

func reapPid(pid int) (syscall.WaitStatus, error) {
	for {
		var ws syscall.WaitStatus
		_, err := syscall.Wait4(pid, &ws, 0, nil)
		if err != syscall.EINTR {
			return ws, os.NewSyscallError("wait4", err)
		}
	}
}

// pidOf is si_pid of siginfo_t: the first of a union that lies, aligned for
// pointers, behind three ints. Package unix leaves it without a name.
func pidOf(info *unix.Siginfo) int {
	const align = unsafe.Sizeof(uintptr(0))
	behind := (3*unsafe.Sizeof(int32(0)) + align - 1) / align * align
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), behind)))
}

// isChild tells whether pid is a child of this process, ended or not.
func isChild(pid int) bool {
	return unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil) == nil
}
