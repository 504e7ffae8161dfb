package stepper

import (
	"strconv"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// syscallInfo is the kernel's struct ptrace_syscall_info.
type syscallInfo struct {
	op   uint8
	_    [3]uint8
	arch uint32
	_    [2]uint64 // instruction and stack pointer
	data [8]uint64 // entry: number, arguments; exit: result, whether it is an error
}

// stepOf reads what p is stopped at, nil if that is no system call.
func stepOf(p *Process) (*Step, error) {
	var info syscallInfo
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(p.Pid),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 {
		return nil, errno
	}
	switch info.op {
	case unix.PTRACE_SYSCALL_INFO_ENTRY:
		p.Steps++
		step := &Step{Process: p, N: p.Steps, Nr: info.data[0]}
		copy(step.Args[:], info.data[1:])
		p.last = step
		return step, nil
	case unix.PTRACE_SYSCALL_INFO_EXIT:
		if p.last == nil { // a child that returns from the fork that made it
			return nil, nil
		}
		step := *p.last
		step.Return, step.Result = true, int64(info.data[0])
		return &step, nil
	}
	return nil, nil
}

// Name is the name of a system call, or its number.
func Name(nr uint64) string {
	if calls, err := arch.GetInfo(""); err == nil && calls.SyscallNumbers[int(nr)] != "" {
		return calls.SyscallNumbers[int(nr)]
	}
	return "#" + strconv.FormatUint(nr, 10)
}
