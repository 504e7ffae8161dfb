package main

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// opens counts how often a file of a directory is opened, under whichever name
// it was made: to execute it is to open it.
type opens struct {
	n  atomic.Int64
	fd int
}

// watchOpens starts to count; it ends with the process.
func watchOpens(dir, name string) (*opens, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w", err)
	}
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_OPEN); err != nil {
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	o := &opens{fd: fd}
	go o.run(name)
	return o, nil
}

func (o *opens) run(name string) {
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(o.fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		for at := 0; at < n; {
			ev := (*unix.InotifyEvent)(unsafe.Pointer(&buf[at]))
			at += unix.SizeofInotifyEvent
			if unix.ByteSliceToString(buf[at:at+int(ev.Len)]) == name {
				o.n.Add(1)
			}
			at += int(ev.Len)
		}
	}
}

func (o *opens) count() int64 { return o.n.Load() }
