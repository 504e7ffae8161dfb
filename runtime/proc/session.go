package proc

import (
	"bytes"
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Session finds the processes of a hook where its cgroup does not tell them:
// those in the session of its first process and in sessions that they made
// themselves, and what descends from any of these.
//
// The number of a session is not given to anything else while it has a member,
// and may be after. So a member counts only if it is older than the last moment
// at which the number was the hook's for certain; and each that counts moves
// that moment on, for it has been a member since it was born.
type Session struct {
	First int    // the hook's first process
	ID    int    // its session; most often its own
	Known uint64 // clock ticks since boot: the moment above
}

// sessionMost bounds what is looked for in one session.
const sessionMost = 4096

// reuseTicks is how long the kernel needs at least to give a number away again:
// it hands out all the others before, 32768 where they are fewest.
const reuseTicks = 5

// NewSession is for a process that is the hook's first at this moment, or that
// has been a moment ago.
func NewSession(first, id int) *Session {
	return &Session{First: first, ID: id, Known: bootTicks()}
}

// Find returns the hook's processes, those that have exited and were not reaped
// included, and no more of them than some thousands.
func (s *Session) Find() map[int]Stat {
	members := sessions()
	found := map[int]Stat{}
	queue := s.oldEnough(append(members[s.ID], s.First), found)
	for len(queue) > 0 && len(found) < sessionMost {
		pid := queue[0]
		queue = queue[1:]
		for _, child := range children(pid) {
			if t, err := ReadStat(child); err == nil && t.Parent == pid {
				queue = addTo(found, queue, child, t)
			}
		}
		if pid == s.ID {
			continue
		}
		// That it leads holds the number for it.
		for _, member := range members[pid] {
			if t, err := ReadStat(member); err == nil && t.Session == pid {
				queue = addTo(found, queue, member, t)
			}
		}
	}
	return found
}

func addTo(found map[int]Stat, queue []int, pid int, t Stat) []int {
	if _, ok := found[pid]; ok {
		return queue
	}
	found[pid] = t
	return append(queue, pid)
}

// oldEnough adds to found those of pids that count as members of the hook's own
// session, and returns them.
func (s *Session) oldEnough(pids []int, found map[int]Stat) []int {
	now := bootTicks()
	read := map[int]Stat{}
	for _, pid := range pids {
		if t, err := ReadStat(pid); err == nil && (t.Session == s.ID || pid == s.First) {
			read[pid] = t
		}
	}
	byAge := slices.SortedFunc(maps.Keys(read), func(a, b int) int { return cmp.Compare(read[a].Start, read[b].Start) })
	var counted []int
	for _, pid := range byAge {
		t := read[pid]
		if t.Start > s.Known+reuseTicks {
			break
		}
		counted = addTo(found, counted, pid, t)
		if t.Session == s.ID {
			s.Known = max(s.Known, now)
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
	dir := filepath.Join(dirOf(pid), "task")
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
