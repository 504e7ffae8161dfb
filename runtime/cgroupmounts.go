package runtime

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// cgroupMounts is where this machine's cgroups are mounted. That does not
// change while a shim lives, and is dear to find on a machine of many mounts.
type cgroupMounts struct {
	unified   bool
	mounts    []*mountinfo.Info
	delegated []string
}

// cgroupMounts looks them up, the first time that it can. Of several mounts of
// a hierarchy one that can be written to comes first.
func (e *Executor) cgroupMounts() (*cgroupMounts, error) {
	if m := e.cgroups.Load(); m != nil {
		return m, nil
	}
	unified, err := unifiedMode()
	if err != nil {
		return nil, err
	}
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup", "cgroup2"))
	if err != nil {
		return nil, err
	}
	m := &cgroupMounts{unified: unified, mounts: writableFirst(mounts), delegated: delegatedFiles()}
	e.cgroups.Store(m)
	return m, nil
}

func writableFirst(mounts []*mountinfo.Info) []*mountinfo.Info {
	slices.SortStableFunc(mounts, func(a, b *mountinfo.Info) int {
		switch a, b := readOnly(a), readOnly(b); {
		case a == b:
			return 0
		case b:
			return -1
		}
		return 1
	})
	return mounts
}

func readOnly(m *mountinfo.Info) bool { return slices.Contains(strings.Split(m.Options, ","), "ro") }

// unifiedMode tells whether runc uses cgroup v2 here: it goes by what is
// mounted on /sys/fs/cgroup, and bookend must agree with it.
func unifiedMode() (bool, error) {
	var st unix.Statfs_t
	if err := unix.Statfs("/sys/fs/cgroup", &st); err != nil {
		return false, &os.PathError{Op: "statfs", Path: "/sys/fs/cgroup", Err: err}
	}
	return st.Type == unix.CGROUP2_SUPER_MAGIC, nil
}

// findBelow finds the directory of p under the mount m, if m is of its
// hierarchy and shows that part of it.
func (p *membership) findBelow(m *mountinfo.Info) bool {
	if (p.controllers == "") != (m.FSType == "cgroup2") {
		return false
	}
	if p.controllers != "" {
		options := strings.Split(m.VFSOptions, ",")
		for _, controller := range strings.Split(p.controllers, ",") {
			if !slices.Contains(options, controller) {
				return false
			}
		}
	}
	// Both are as seen from the root of this process' cgroup namespace: what
	// is outside of that begins with "/..", which no mount of "/" shows.
	if !within(p.path, m.Root) || m.Root == "/" && within(p.path, "/..") {
		return false
	}
	p.dir, p.top = filepath.Join(m.Mountpoint, p.path[len(strings.TrimSuffix(m.Root, "/")):]), m.Mountpoint
	return true
}
