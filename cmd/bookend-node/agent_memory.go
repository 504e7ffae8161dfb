package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The agent trades processor time for memory, of which every node pays: the heap is
// collected when it has grown by a half, and more often near the limit.
const (
	agentGCPercent   = 50
	agentMemoryLimit = 32 << 20
	// readyPoll is how often a start is looked at, and trimPause how often memory is
	// given back after that, for some ten milliseconds of processor time.
	readyPoll = time.Second
	trimPause = time.Minute
)

func boundMemory() {
	debug.SetGCPercent(agentGCPercent)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(agentMemoryLimit)
	}
}

// trimming is a part that gives memory back: once the agent is ready, and then now
// and again. warn is told, once, where that is not possible.
func trimming(ready func() bool, warn func(error)) part {
	return func(ctx context.Context) error {
		tick := time.NewTicker(readyPoll)
		defer tick.Stop()
		for started := false; ; {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			if !started && !ready() {
				continue
			}
			if !started {
				started = true
				tick.Reset(trimPause)
			}
			debug.FreeOSMemory()
			if err := unmapUnused(); err != nil {
				warn(fmt.Errorf("memory: %w", err))
				return nil
			}
		}
	}
}

// unmapUnused lets go of the pages of this program's own file. Those that it uses come
// back, from the page cache. Most do not: the libraries of Kubernetes register
// thousands of types when a program begins, and what does that runs once, but would
// stay resident for as long as the program runs.
func unmapUnused() error {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer maps.Close()
	var failed error
	for s := bufio.NewScanner(maps); s.Scan(); {
		f := strings.Fields(s.Text()) // from-to mode offset device inode path
		if len(f) < 6 || f[5] != self || strings.Contains(f[1], "w") {
			continue
		}
		var from, to uintptr
		if _, err := fmt.Sscanf(f[0], "%x-%x", &from, &to); err != nil {
			return err
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); errno != 0 {
			failed = errors.Join(failed, os.NewSyscallError("madvise", errno))
		}
	}
	return failed
}
