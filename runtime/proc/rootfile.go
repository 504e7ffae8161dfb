package proc

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// openRetries is how often a look-up is repeated that the kernel gave up
// because a rename or mount happened beside it (EAGAIN, openat2(2)).
const openRetries = 16

// OpenRoot opens the root directory of a process: [Dir.OpenRoot].
func (p Process) OpenRoot() (*os.File, error) {
	d, err := p.Open()
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.OpenRoot()
}

// ReadFileInRoot reads the file at path under root, a directory of a container
// (see [Dir.OpenRoot]). The container may have put anything there, so: symbolic
// links and ".." never lead out of root and magic links are not followed
// (openat2(2)); what is not a regular file is [ErrNotRegular] and is never
// opened, for opening a FIFO waits and opening a device acts; a file of more
// than limit bytes is [ErrTooLarge]. No more is read than the file's size says:
// the files of procfs, whose size is 0, read as empty. A missing file is
// [fs.ErrNotExist].
//
// A file system that the container itself serves (FUSE) can still keep the call
// waiting for as long as the container lives.
func ReadFileInRoot(root *os.File, path string, limit int64) ([]byte, error) {
	handle, err := lookInRoot(root, path)
	if err != nil {
		return nil, &fs.PathError{Op: "openat2", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(handle) }()
	size, err := regularSize(handle, limit)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if size == 0 {
		return nil, nil
	}
	// The handle names the inode that was just looked at, whatever path leads
	// to by now. O_NONBLOCK: a lease that the container holds on the file
	// would make open wait.
	f, err := os.OpenFile("/proc/self/fd/"+strconv.Itoa(handle), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("reopen %s: %w", path, err)
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, size))
}

// lookInRoot returns a descriptor that names the file at path without having
// opened it (O_PATH).
func lookInRoot(root *os.File, path string) (int, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	raw, err := root.SyscallConn()
	if err != nil {
		return -1, err
	}
	handle, look := -1, error(nil)
	err = raw.Control(func(fd uintptr) {
		for range openRetries {
			handle, look = unix.Openat2(int(fd), path, &how)
			if look != unix.EAGAIN && look != unix.EINTR { //nolint:errorlint // a bare errno
				return
			}
		}
	})
	return handle, errors.Join(err, look)
}

// regularSize returns the size of the regular file behind handle.
func regularSize(handle int, limit int64) (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(handle, &st); err != nil {
		return 0, err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return 0, ErrNotRegular
	case st.Size > limit:
		return 0, ErrTooLarge
	}
	return st.Size, nil
}
