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
	return unmapFile(self)
}

// unmapFile lets go of a file's pages in this process. Those that were written to stay,
// for the file does not hold the same: the relocations of a program that is
// position-independent, in pages that are read-only by now, are among them.
func unmapFile(name string) error {
	all, err := mappingsOf(name)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.written {
			continue
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED); errno != 0 {
			err = errors.Join(err, os.NewSyscallError("madvise", errno))
		}
	}
	return err
}

// mapping is one of a file in this process.
type mapping struct {
	from, to uintptr
	written  bool // some of its pages are not as in the file, or may not be
}

func mappingsOf(name string) (all []mapping, err error) {
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil, err
	}
	defer maps.Close()
	named := false
	s := bufio.NewScanner(maps)
	for s.Scan() {
		f := strings.Fields(s.Text())
		switch {
		case !strings.HasSuffix(f[0], ":"): // from-to mode offset device inode path
			if named = len(f) > 5 && f[5] == name; !named {
				continue
			}
			m := mapping{written: strings.Contains(f[1], "w")}
			if _, err := fmt.Sscanf(f[0], "%x-%x", &m.from, &m.to); err != nil {
				return nil, err
			}
			all = append(all, m)
		case named && (f[0] == "Anonymous:" || f[0] == "Swap:") && f[1] != "0":
			all[len(all)-1].written = true
		}
	}
	if err := s.Err(); err != nil {
		return nil, err // of the last one, not all is known
	}
	return all, nil
}
