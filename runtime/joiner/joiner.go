package joiner

import (
	"embed"
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

// programs holds the joiner if it was built, one for each architecture.
//
//go:embed all:bin
var programs embed.FS

// ErrNotBuilt tells that this program was built without the joiner.
var ErrNotBuilt = errors.New("built without the joiner (make joiner)")

// Flags of memfd_create(2) that package unix does not have: since Linux 6.3 a
// file in memory says whether it may be executed.
const (
	memfdNoExecSeal = 0x8
	memfdExec       = 0x10
	sealExec        = 0x20
)

// Joiner is the program, in memory. It may be used by any number of goroutines.
type Joiner struct {
	file *os.File
	path string
}

// Open puts the program into memory, where it is sealed: nobody can write to it
// or keep it as a file of the host. Where the sysctl vm.memfd_noexec forbids that,
// the error is EACCES.
func Open() (*Joiner, error) {
	program, err := programs.ReadFile("bin/joiner-" + runtime.GOARCH)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotBuilt
	}
	if err != nil {
		return nil, err
	}
	f, err := sealed("bookend-joiner", program, memfdExec)
	if err != nil {
		return nil, fmt.Errorf("joiner in memory: %w", err)
	}
	// By this path, whatever becomes of descriptors between fork and execve: that
	// moves the child's, and these are the shim's.
	path := "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(int(f.Fd()))
	return &Joiner{file: f, path: path}, nil
}

// Close forgets the program. Hooks that run are not affected.
func (j *Joiner) Close() error { return j.file.Close() }

// Files are the joiner's ends of pipes, and what becomes the hook's.
type Files struct {
	Stdout, Stderr *os.File
	News           *os.File // to be read by [Read]
	Gate           *os.File // of a gated plan
	Null           *os.File // stdin where the container has no null device; nil: there is none
}

// Command is a joiner that carries p out. release MUST be called once it was
// started, or not.
func (j *Joiner) Command(p *Plan, files Files) (cmd *exec.Cmd, release func(), err error) {
	data, err := p.encode()
	if err != nil {
		return nil, nil, err
	}
	plan, err := sealed("bookend-plan", data, memfdNoExecSeal)
	if err != nil {
		return nil, nil, fmt.Errorf("plan in memory: %w", err)
	}
	return &exec.Cmd{
		Path: j.path, Args: []string{"bookend-joiner"}, Env: []string{}, Dir: "/",
		Stdin: plan, Stdout: files.Stdout, Stderr: files.Stderr,
		ExtraFiles: []*os.File{files.News, files.Gate, files.Null},
		// Out of reach of signals meant for the shim's process group.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}, func() { plan.Close() }, nil
}

// sealed is a file in memory that nobody can change. exec is one of the flags
// that kernels before 6.3 do not know.
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
	_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals|sealExec)
	if err == unix.EINVAL {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("fcntl", err), f.Close())
	}
	return f, nil
}
