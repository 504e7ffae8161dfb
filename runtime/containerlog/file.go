package containerlog

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openLog opens a log that exists, without waiting for a reader: where a FIFO
// has none, the error is ENXIO.
func openLog(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && info.Mode()&os.ModeNamedPipe == 0 {
		err = &os.PathError{Op: "open", Path: path, Err: errNoLogFile}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// writeLine writes a line in one piece. It waits for room in a FIFO until the
// deadline of the file is over; after it, a line is written if it has room.
func writeLine(conn syscall.RawConn, line []byte) error {
	var err error
	try := func(fd uintptr) bool {
		err = writeOnce(int(fd), line)
		return !errors.Is(err, unix.EAGAIN)
	}
	waited := conn.Write(try)
	if waited == nil {
		return err
	}
	if !errors.Is(waited, os.ErrDeadlineExceeded) {
		return waited
	}
	if controlErr := conn.Control(func(fd uintptr) { try(fd) }); controlErr != nil {
		return controlErr
	}
	if errors.Is(err, unix.EAGAIN) {
		return waited
	}
	return err
}

// writeOnce does one write(2).
func writeOnce(fd int, line []byte) error {
	for {
		n, err := unix.Write(fd, line)
		switch {
		case errors.Is(err, unix.EINTR):
		case err == nil && n < len(line):
			return io.ErrShortWrite
		default:
			return err
		}
	}
}
