package runtime

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// PidWatch waits for a runtime to write the pid of a container's init into a
// file: the container exists from then on, several milliseconds before the
// runtime has exited and Create has returned.
type PidWatch struct {
	path    string
	inotify *os.File
}

// WatchPid begins to watch for the file at path, in a directory that exists.
// [PidWatch.Await] MUST be called.
func WatchPid(path string) (*PidWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	w := &PidWatch{path: path, inotify: os.NewFile(uintptr(fd), "inotify")}
	// runc renames the file into its place, other runtimes write it there.
	if _, err := unix.InotifyAddWatch(fd, filepath.Dir(path), unix.IN_MOVED_TO|unix.IN_CLOSE_WRITE); err != nil {
		w.inotify.Close()
		return nil, fmt.Errorf("watch for %s: %w", path, os.NewSyscallError("inotify_add_watch", err))
	}
	return w, nil
}

// Await returns the pid as soon as it can be read, and ends the watch. At the
// end of ctx it returns the cause of that.
func (w *PidWatch) Await(ctx context.Context) (int, error) {
	// The kernel lets an RCU grace period go by before it has closed the
	// descriptor, some 10 ms: nobody waits for that, nor may the one who reads be
	// woken by it.
	defer func() { go w.inotify.Close() }()
	defer context.AfterFunc(ctx, func() { _ = w.inotify.SetReadDeadline(time.Now()) })()
	buf := make([]byte, 16*(unix.SizeofInotifyEvent+unix.NAME_MAX+1))
	for {
		n, err := w.inotify.Read(buf)
		switch {
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case err != nil:
			return 0, fmt.Errorf("wait for %s: %w", w.path, err)
		case !w.named(buf[:n]):
			continue
		}
		if pid, err := readPid(w.path); err == nil {
			return pid, nil
		}
	}
}

// named tells whether one of the events is about the file. An event is a struct
// inotify_event, whose last field is the length of the name that follows.
func (w *PidWatch) named(events []byte) bool {
	for len(events) >= unix.SizeofInotifyEvent {
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[unix.SizeofInotifyEvent-4:]))
		if end > len(events) {
			return false
		}
		name := strings.TrimRight(string(events[unix.SizeofInotifyEvent:end]), "\x00")
		if name == filepath.Base(w.path) {
			return true
		}
		events = events[end:]
	}
	return false
}

func readPid(path string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(data)))
}
