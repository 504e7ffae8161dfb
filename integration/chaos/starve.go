package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// starve leaves a process no descriptor to open for a time.
func starve(ctx context.Context, pid int, d time.Duration) (span, error) {
	var before unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		return span{}, fmt.Errorf("limits of the shim: %w", err)
	}
	s := span{From: time.Now()}
	for time.Since(s.From) < d && ctx.Err() == nil {
		low := unix.Rlimit{Cur: lowestFree(pid), Max: before.Max}
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &low, nil); err != nil {
			return span{}, fmt.Errorf("limit the shim's descriptors: %w", err)
		}
		pause(ctx, pollInterval)
	}
	s.To = time.Now()
	return s, unix.Prlimit(pid, unix.RLIMIT_NOFILE, &before, nil)
}

// lowestFree is the descriptor that the process would be given next.
func lowestFree(pid int) uint64 {
	for n := uint64(0); ; n++ {
		if _, err := os.Lstat("/proc/" + strconv.Itoa(pid) + "/fd/" + strconv.FormatUint(n, 10)); err != nil {
			return n
		}
	}
}
