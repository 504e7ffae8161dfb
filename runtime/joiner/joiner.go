package joiner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Joiner is the program, in memory. It may be used by any number of goroutines.
type Joiner struct {
	file *os.File
	path string // of file, for execve(2)
}

// Open puts the program into memory and seals it there: no one can write to it, and it
// is no file of the host that a container could find. Where the sysctl vm.memfd_noexec
// forbids that, the error is EACCES.
func Open() (*Joiner, error) {
	program, err := programs.ReadFile("bin/" + runtime.GOARCH + "/joiner")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotBuilt
	}
	if err != nil {
		return nil, err
	}
	f, err := sealed("bookend-joiner", program, unix.MFD_EXEC)
	if err != nil {
		return nil, fmt.Errorf("joiner in memory: %w", err)
	}
	// The path names the shim's descriptor: the child's own are moved between fork
	// and execve.
	path := "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(int(f.Fd()))
	return &Joiner{file: f, path: path}, nil
}

// Close forgets the program. Hooks that run are not affected.
func (j *Joiner) Close() error { return j.file.Close() }

// Files are what the joiner is started with. Of a pipe it has one end.
type Files struct {
	Stdout, Stderr *os.File
	News           *os.File // to be read by [Read]
	Start          *os.File // a byte in it lets the hook go on: of a plan with AwaitStart
	Null           *os.File // stdin where the container has no null device; nil: there is none
}

// Command returns a command that carries p out. release MUST be called when it has
// been started, or will not be.
func (j *Joiner) Command(p *Plan, files Files) (cmd *exec.Cmd, release func(), err error) {
	data, err := p.encode()
	if err != nil {
		return nil, nil, err
	}
	plan, err := sealed("bookend-plan", data, unix.MFD_NOEXEC_SEAL)
	if err != nil {
		return nil, nil, fmt.Errorf("plan in memory: %w", err)
	}
	return &exec.Cmd{
		Path: j.path, Args: []string{"bookend-joiner"}, Env: []string{}, Dir: "/",
		Stdin: plan, Stdout: files.Stdout, Stderr: files.Stderr,
		ExtraFiles: []*os.File{files.News, files.Start, files.Null},
		// Out of reach of signals meant for the shim's process group.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}, func() { plan.Close() }, nil
}

// sealed makes a file in memory that no one can change. exec says whether it may be
// executed: a flag that kernels before 6.3 do not know.
func sealed(name string, data []byte, exec int) (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|exec)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(data); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals|unix.F_SEAL_EXEC)
	if err == unix.EINVAL {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("fcntl", err), f.Close())
	}
	return f, nil
}
