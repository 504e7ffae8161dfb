//go:build linux

package record

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

func inodeOf(fd uintptr) (uint64, error) {
	var st unix.Stat_t
	err := unix.Fstat(int(fd), &st)
	return st.Ino, os.NewSyscallError("fstat", err)
}

// appendLine writes v as a line, or not at all; what has no fields is nothing.
func appendLine(f *os.File, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if string(line) == "{}" {
		return nil
	}
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return errors.Join(err, f.Truncate(st.Size()))
	}
	return nil
}

// lock takes a lock of flock(2), which lasts until f is closed.
func lock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); err != unix.EINTR {
			return os.NewSyscallError("flock", err)
		}
	}
}

// openRegular opens a regular file, and waits for nothing that is something else.
func openRegular(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
		return nil, errNotRegular
	}
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, cmp.Or(err, errNotRegular)
	}
	return f, nil
}

// readDir lists a directory by name; one that is not there is empty.
func readDir(dir string) ([]fs.DirEntry, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return slices.Clip(files), err
}

// ignore returns err unless it is one that is expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
