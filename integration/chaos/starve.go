package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// occupied is how many descriptors every process has for good: its standard
// streams.
const occupied = 3

// starve leaves a process no descriptor to open for a time, those that it
// closes meanwhile included.
func starve(ctx context.Context, pid int, d time.Duration) (span, error) {
	var before unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		return span{}, fmt.Errorf("limits of the shim: %w", err)
	}
	s := span{From: time.Now()}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: occupied, Max: before.Max}, nil); err != nil {
		return span{}, fmt.Errorf("limit the shim's descriptors: %w", err)
	}
	pause(ctx, d)
	s.To = time.Now()
	return s, unix.Prlimit(pid, unix.RLIMIT_NOFILE, &before, nil)
}
