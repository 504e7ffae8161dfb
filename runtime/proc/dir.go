package proc

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Dir is the directory of one process in /proc. What is opened through it is that
// process', even if its pid is given away.
type Dir struct{ file *os.File }

// Open opens the directory of a process. A pid that was given away before is
// [ErrGone].
func (p Process) Open() (*Dir, error) {
	f, err := os.OpenFile(dirOf(p.Pid), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, entryError(p.Pid, err)
	}
	d := &Dir{f}
	if err := d.isOf(p); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// isOf tells by its start time whether the directory is the process'.
func (d *Dir) isOf(p Process) error {
	data, err := d.ReadFile("stat")
	if err != nil {
		return err
	}
	s, err := parseStat(data)
	if err == nil && s.Start != p.Start {
		err = fmt.Errorf("/proc entry %d is another process' by now: %w", p.Pid, ErrGone)
	}
	return err
}

// OpenFile opens a file of the process, or a link into one of its namespaces.
func (d *Dir) OpenFile(name string, flags int) (*os.File, error) {
	raw, err := d.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, open := -1, error(nil)
	err = raw.Control(func(dir uintptr) {
		fd, open = unix.Openat(int(dir), name, flags|unix.O_CLOEXEC, 0)
	})
	if err := errors.Join(err, open); err != nil {
		return nil, entryError(name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// ReadFile reads a file of the process.
func (d *Dir) ReadFile(name string) ([]byte, error) {
	f, err := d.OpenFile(name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, entryError(name, err)
	}
	return data, nil
}

// OpenRoot opens the process' root directory as it sees that, with everything
// mounted in its mount namespace. It can be used for path look-ups only and, as
// long as it is open, keeps the root file system busy: close it soon.
func (d *Dir) OpenRoot() (*os.File, error) {
	return d.OpenFile("root", unix.O_PATH|unix.O_DIRECTORY)
}

// Close closes the directory. What was opened through it stays open.
func (d *Dir) Close() error { return d.file.Close() }

// entryError is an error of a process' directory: [ErrGone] if that has exited.
func entryError(what any, err error) error {
	if isGone(err) {
		return fmt.Errorf("/proc entry %v: %w: %w", what, ErrGone, err)
	}
	return fmt.Errorf("/proc entry %v: %w", what, err)
}
