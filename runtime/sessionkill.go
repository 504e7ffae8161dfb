package runtime

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/proc"
)

// killSession sends SIGKILL to the processes, as far as they are the container's with
// the cgroup c and the init, and waits up to bound for all of them to go. In a
// container that is paused on cgroup v1 it does not wait.
func killSession(s *proc.Session, c *Cgroup, init Init, bound time.Duration) error {
	g, deadline := newGuard(c, init), time.Now().Add(bound)
	for {
		held := holdSession(s, g)
		for pid, start := range held {
			g.signal(pid, start, unix.SIGKILL)
		}
		if len(held) == 0 || !c.isUnified() && c.paused() {
			return nil
		}
		gone := poll(earlier(deadline, time.Now().Add(100*time.Millisecond)), func() bool { return allGone(held) })
		if !gone && time.Now().After(deadline) {
			return fmt.Errorf("session %d: %w: %v", s.ID, errStillThere, slices.Sorted(maps.Keys(held)))
		}
	}
}

// holdSession stops all processes and returns their starts. It looks again until it
// finds no more: a process that is killed before its children are known leaves
// them to another parent, and unknown.
func holdSession(s *proc.Session, g *guard) map[int]uint64 {
	held := map[int]uint64{}
	for range 8 { // faster than all of these forks nothing that is stopped
		before := len(held)
		for pid, t := range s.Find() {
			if held[pid] != t.Start && t.Alive() && g.signal(pid, t.Start, unix.SIGSTOP) {
				held[pid] = t.Start
			}
		}
		if len(held) == before {
			break
		}
	}
	return held
}

// allGone tells whether the processes of these starts have all exited.
func allGone(starts map[int]uint64) bool {
	for pid, start := range starts {
		t, err := proc.ReadStat(pid)
		if err == nil && t.Start == start && t.Alive() {
			return false
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			return false
		}
	}
	return true
}
