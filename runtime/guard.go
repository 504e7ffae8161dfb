package runtime

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/proc"
)

// guard tells the processes of a container from all others: they are in one of
// the cgroups that only it is in, or in the pid namespace of its init, if that
// is not this process' own. It is the second lock on the door: where neither is
// known it holds nothing back.
type guard struct {
	cgroup *Cgroup // nil: none that only the container is in
	pidNS  string  // empty: this process', or that of an init that is gone
}

func newGuard(c *Cgroup, init Init) *guard {
	g := &guard{}
	if c != nil {
		for _, p := range c.memberships {
			if !p.shared {
				g.cgroup = c
			}
		}
	}
	if ns := pidNS(init.Pid); ns != pidNS(os.Getpid()) {
		if now, err := ReadInit(init.Pid); err == nil && now == init {
			g.pidNS = ns
		}
	}
	return g
}

func pidNS(pid int) string {
	ns, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	return ns
}

// holds tells whether the process pid is the container's.
func (g *guard) holds(pid int) bool {
	if g.cgroup == nil && g.pidNS == "" {
		return true
	}
	if g.cgroup != nil {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
		if err == nil && g.cgroup.holds(data) {
			return true
		}
	}
	return g.pidNS != "" && pidNS(pid) == g.pidNS
}

// holds tells whether what /proc/<pid>/cgroup says is of a process in the cgroup
// or below, in a hierarchy in which nothing else is.
func (c *Cgroup) holds(data []byte) bool {
	for _, of := range parseMemberships(data) {
		for _, p := range c.memberships {
			if !p.shared && p.controllers == of.controllers && within(of.path, p.path) {
				return true
			}
		}
	}
	return false
}

// signal signals the process pid that began at start, if it is the container's,
// and tells whether. It is held by a descriptor while that is made sure: what
// had the number before and has it after has it in between.
func (g *guard) signal(pid int, start uint64, signal unix.Signal) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return false
	}
	if err == nil {
		defer unix.Close(fd)
	}
	if t, err := proc.ReadStat(pid); err != nil || t.Start != start || !g.holds(pid) {
		return false
	}
	kill(pid, fd, signal)
	return true
}
