package runtime

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// session finds the processes of a hook where its cgroup does not tell them:
// those in the session of its first process and in sessions that they made
// themselves, and what descends from any of these.
//
// The number of a session is not given to anything else while it has a member,
// and may be after. So a member counts only if it is older than the last moment
// at which the number was the hook's for certain; and each that counts moves
// that moment on, for it has been a member since it was born.
type session struct {
	first int    // the hook's first process
	id    int    // its session; most often its own
	known uint64 // clock ticks since boot: the moment above
}

// reuseTicks is how long the kernel needs at least to give a number away again:
// it hands out all the others before, 32768 where they are fewest.
const reuseTicks = 5

// newSession is for a process that is the hook's first at this moment, or that
// has been a moment ago.
func newSession(first, id int) *session {
	return &session{first: first, id: id, known: bootTicks()}
}

// bootTicks is the present time as /proc has the starts of processes.
func bootTicks() uint64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &now)
	const ticksPerSecond = 100 // USER_HZ, on every architecture that Go knows
	return uint64(now.Nano()) / (uint64(time.Second) / ticksPerSecond)
}

// kill sends SIGKILL to the processes, as far as they are the container's with
// the cgroup c and the init, and waits up to bound until none is left. In a
// container that is paused on cgroup v1 it does not wait.
func (s *session) kill(c *Cgroup, init Init, bound time.Duration) error {
	g, deadline := newGuard(c, init), time.Now().Add(bound)
	for {
		held := s.hold(g)
		for pid, start := range held {
			g.signal(pid, start, unix.SIGKILL)
		}
		if len(held) == 0 || !c.isUnified() && c.paused() {
			return nil
		}
		gone := poll(earlier(deadline, time.Now().Add(100*time.Millisecond)), func() bool { return allGone(held) })
		if !gone && time.Now().After(deadline) {
			return fmt.Errorf("session %d: %w: %v", s.id, errStillThere, slices.Sorted(maps.Keys(held)))
		}
	}
}

// hold stops all processes and returns their starts. It looks again until it
// finds no more: a process that is killed before its children are known leaves
// them to another parent, and unknown.
func (s *session) hold(g *guard) map[int]uint64 {
	held := map[int]uint64{}
	for range 8 { // faster than all of these forks nothing that is stopped
		before := len(held)
		for pid, t := range s.find() {
			if held[pid] != t.start && t.alive() && g.signal(pid, t.start, unix.SIGSTOP) {
				held[pid] = t.start
			}
		}
		if len(held) == before {
			break
		}
	}
	return held
}

// find returns the hook's processes, those that have exited and were not reaped
// included, and no more of them than walkProcs.
func (s *session) find() map[int]task {
	members := sessions()
	found := map[int]task{}
	queue := s.oldEnough(append(members[s.id], s.first), found)
	for len(queue) > 0 && len(found) < walkProcs {
		pid := queue[0]
		queue = queue[1:]
		for _, child := range children(pid) {
			if t, err := readProcess(child); err == nil && t.parent == pid {
				queue = addTo(found, queue, child, t)
			}
		}
		if pid == s.id {
			continue
		}
		// That it leads holds the number for it.
		for _, member := range members[pid] {
			if t, err := readProcess(member); err == nil && t.session == pid {
				queue = addTo(found, queue, member, t)
			}
		}
	}
	return found
}

func addTo(found map[int]task, queue []int, pid int, t task) []int {
	if _, ok := found[pid]; ok {
		return queue
	}
	found[pid] = t
	return append(queue, pid)
}

// oldEnough adds to found those of pids that count as members of the hook's own
// session, and returns them.
func (s *session) oldEnough(pids []int, found map[int]task) []int {
	now := bootTicks()
	tasks := map[int]task{}
	for _, pid := range pids {
		if t, err := readProcess(pid); err == nil && (t.session == s.id || pid == s.first) {
			tasks[pid] = t
		}
	}
	byAge := slices.SortedFunc(maps.Keys(tasks), func(a, b int) int { return cmp.Compare(tasks[a].start, tasks[b].start) })
	var counted []int
	for _, pid := range byAge {
		t := tasks[pid]
		if t.start > s.known+reuseTicks {
			break
		}
		counted = addTo(found, counted, pid, t)
		if t.session == s.id {
			s.known = max(s.known, now)
		}
	}
	return counted
}

// sessions lists the machine's processes by the sessions they are in. A call of
// getsid is some thirty times cheaper than reading a file of /proc.
func sessions() map[int][]int {
	members := map[int][]int{}
	for _, pid := range numbers("/proc") {
		if id, err := unix.Getsid(pid); err == nil {
			members[id] = append(members[id], pid)
		}
	}
	return members
}

// children lists the processes whose parent is pid, on kernels that tell
// (CONFIG_PROC_CHILDREN; those of all distributions do).
func children(pid int) []int {
	var found []int
	dir := filepath.Join("/proc", strconv.Itoa(pid), "task")
	for _, thread := range numbers(dir) {
		data, _ := os.ReadFile(filepath.Join(dir, strconv.Itoa(thread), "children"))
		for field := range bytes.FieldsSeq(data) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}

// numbers lists the entries of a directory that are numbers.
func numbers(dir string) []int {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	var found []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			found = append(found, n)
		}
	}
	return found
}

func readProcess(pid int) (task, error) {
	return readTask(filepath.Join("/proc", strconv.Itoa(pid)))
}

// allGone tells whether the processes of these starts have all exited.
func allGone(starts map[int]uint64) bool {
	for pid, start := range starts {
		t, err := readProcess(pid)
		if err == nil && t.start == start && t.alive() {
			return false
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			return false
		}
	}
	return true
}
