package runtime

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/moby/sys/mountinfo"
)

// freezer is the cgroup v1 controller in which a hook gets a child cgroup:
// the one that can hold processes still, and in which nothing is accounted.
const freezer = "freezer"

// Cgroup is a container's own cgroup, in each hierarchy. A nil Cgroup is
// unknown: nothing can be made in it. It MUST not be copied.
type Cgroup struct {
	unified     bool
	memberships []membership // in the order in which the hierarchies are mounted
	// dir is where hooks get children: the cgroup itself on v2, its freezer
	// directory on v1. Empty: nowhere.
	dir       string
	delegated []string // files of a hook's cgroup that its owner writes to
	names     hookNames
	noted     atomic.Bool // dir is in the bundle
	managed   bool        // v2: the container may change its cgroup itself
}

// membership is the cgroup in one hierarchy: v2's, or one of v1's.
type membership struct {
	controllers string // as /proc/<pid>/cgroup lists them; empty: v2's
	path        string // as /proc/<pid>/cgroup has it
	dir         string
	top         string // where the hierarchy is mounted
	shared      bool   // this process is in it, so not all in it is the container's
}

// ReadCgroup finds the cgroup of the process pid. Asked for the init of a
// container that was created but not started, the answer is the container's
// own cgroup; later, its init may have moved.
func (e *Executor) ReadCgroup(pid int) (*Cgroup, error) {
	m, err := e.cgroupMounts()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	c := m.cgroup(data, own)
	if len(c.memberships) == 0 {
		return nil, fmt.Errorf("no cgroup of process %d is mounted", pid)
	}
	if c.unified {
		// Not known, it could be the wrong one for a hook's own.
		if c.managed, err = managesCgroups(pid); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// managesCgroups tells whether a process has a mount of cgroup v2 that it may
// write to. What is in its container then manages cgroups, and must find itself
// in that cgroup and in its namespace, as runc's exec has it. In a namespace of
// the hook's own it could neither move what is its container's (ENOENT) nor
// would it be kept from its container's limits: where the hierarchy is mounted
// nsdelegate, both are decided by the root of the namespace.
func managesCgroups(pid int) (bool, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/mountinfo", pid))
	if err != nil {
		return false, err
	}
	defer f.Close()
	mounts, err := mountinfo.GetMountsFromReader(f, mountinfo.FSTypeFilter("cgroup2"))
	return slices.ContainsFunc(mounts, func(m *mountinfo.Info) bool { return !readOnly(m) }), err
}

// cgroup turns what /proc/<pid>/cgroup says of a process, and of this one, into
// the directories that runc's exec would have a process join: on v1 those of all
// hierarchies, named ones and an accompanying v2 included.
func (m *cgroupMounts) cgroup(data, own []byte) *Cgroup {
	c := &Cgroup{unified: m.unified, delegated: m.delegated}
	wanted, owns := parseMemberships(data), parseMemberships(own)
	if m.unified {
		wanted = slices.DeleteFunc(wanted, func(p membership) bool { return p.controllers != "" })
	}
	for _, mount := range m.mounts {
		wanted = slices.DeleteFunc(wanted, func(p membership) bool {
			if !p.findBelow(mount) {
				return false
			}
			p.shared = !slices.ContainsFunc(owns, func(o membership) bool {
				return o.controllers == p.controllers && !within(o.path, p.path)
			})
			c.memberships = append(c.memberships, p)
			return true
		})
	}
	// A freezer that shares its hierarchy with another controller does not
	// count: the hook would be out of the container's cgroup of that one.
	if p := c.membership(freezer); p != nil && (m.unified || p.controllers == freezer) {
		c.dir = p.dir
	}
	return c
}

// parseMemberships reads /proc/<pid>/cgroup, whose lines are
// "id:controller,controller:path".
func parseMemberships(data []byte) []membership {
	var memberships []membership
	for line := range bytes.Lines(data) {
		id, rest, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), ":")
		controllers, path, ok := strings.Cut(rest, ":")
		if !ok || (controllers == "") != (id == "0") {
			continue
		}
		memberships = append(memberships, membership{controllers: controllers, path: path})
	}
	return memberships
}

// within tells whether the path of a cgroup is dir or below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// membership returns that in the hierarchy of a controller, which is always
// the one on v2; nil: there is none.
func (c *Cgroup) membership(controller string) *membership {
	if c == nil {
		return nil
	}
	for i, p := range c.memberships {
		if c.unified || slices.Contains(strings.Split(p.controllers, ","), controller) {
			return &c.memberships[i]
		}
	}
	return nil
}

// hooksDir is where hooks get children; empty: nowhere.
func (c *Cgroup) hooksDir() string {
	if c == nil {
		return ""
	}
	return c.dir
}

func (c *Cgroup) isUnified() bool { return c != nil && c.unified }

// paused tells whether processes of the container are frozen, by whatever
// cgroup above them.
func (c *Cgroup) paused() bool {
	p := c.membership(freezer)
	if p == nil {
		return false
	}
	if !c.unified { // the state is that of all above, too
		state := readCgroup(p.dir, "freezer.state")
		return state == "FROZEN" || state == "FREEZING"
	}
	if strings.Contains(readCgroup(p.dir, "cgroup.events"), "frozen 1") {
		return true
	}
	for dir := range p.upwards() { // where some process has not stopped yet
		if readCgroup(dir, "cgroup.freeze") == "1" {
			return true
		}
	}
	return false
}
