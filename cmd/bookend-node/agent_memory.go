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
	agentMemoryLimit = 24 << 20
)

// Memory is given back, for some ten milliseconds of processor time: when the agent
// begins, now and again, and sooner where more is resident than it should be.
const (
	trimEvery  = time.Minute
	trimSooner = 5 * time.Second
	trimAbove  = 36 << 20
)

// boundMemory also lets go of what only the beginning of the program needs.
func boundMemory() {
	debug.SetGCPercent(agentGCPercent)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(agentMemoryLimit)
	}
	_ = unmapUnused() // trimming says why it fails
}

// trimming is a part that gives memory back. warn is told, once, where that is not
// possible.
func trimming(warn func(error)) part {
	return func(ctx context.Context) error {
		tick := time.NewTicker(trimSooner)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-ctx.Done():
				return nil
			case now := <-tick.C:
				if now.Sub(last) < trimEvery && resident() <= trimAbove {
					continue
				}
				last = now
			}
			debug.FreeOSMemory()
			if err := unmapUnused(); err != nil {
				warn(fmt.Errorf("memory: %w", err))
				return nil
			}
		}
	}
}

// resident is how much memory of this process is, in bytes; 0: that is not known.
func resident() int {
	data, err := os.ReadFile("/proc/self/statm")
	var size, pages int
	if err == nil {
		_, err = fmt.Sscan(string(data), &size, &pages)
	}
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
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
