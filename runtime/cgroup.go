package runtime

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// freezer is the cgroup v1 controller in which a hook gets a child cgroup:
// the one that can hold processes still, and in which nothing is accounted.
const freezer = "freezer"

// Cgroup is the part of a container's own cgroup in which hooks get children:
// the cgroup itself on v2, its freezer directory on v1. The zero Cgroup is
// unknown: nothing can be made in it.
type Cgroup struct {
	dir     string
	top     string // where the hierarchy is mounted
	unified bool
}

// cgroupMounts is where this machine's cgroups are mounted. That does not
// change while a shim lives, and is dear to find on a machine of many mounts.
type cgroupMounts struct {
	unified bool
	mounts  []*mountinfo.Info
}

// cgroupMounts looks them up, the first time that it can.
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
	m := &cgroupMounts{unified: unified, mounts: mounts}
	e.cgroups.Store(m)
	return m, nil
}

// ReadCgroup finds the cgroup of the process pid. Asked for the init of a
// container that was created but not started, the answer is the container's
// own cgroup; later, its init may have moved.
func (e *Executor) ReadCgroup(pid int) (Cgroup, error) {
	m, err := e.cgroupMounts()
	if err != nil {
		return Cgroup{}, err
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return Cgroup{}, err
	}
	path, ok := cgroupPath(data, m.unified)
	if !ok {
		return Cgroup{}, fmt.Errorf("process %d is in no cgroup that can be frozen", pid)
	}
	for _, mount := range m.mounts {
		if dir, ok := below(mount, path, m.unified); ok {
			return Cgroup{dir: dir, top: mount.Mountpoint, unified: m.unified}, nil
		}
	}
	return Cgroup{}, fmt.Errorf("cgroup %s of process %d is not mounted", path, pid)
}

// unifiedMode tells whether runc uses cgroup v2 here: it goes by what is
// mounted on /sys/fs/cgroup, and bookend must agree with it.
func unifiedMode() (bool, error) {
	var st unix.Statfs_t
	if err := unix.Statfs("/sys/fs/cgroup", &st); err != nil {
		return false, &os.PathError{Op: "statfs", Path: "/sys/fs/cgroup", Err: err}
	}
	return st.Type == unix.CGROUP2_SUPER_MAGIC, nil
}

// cgroupPath finds the line of the v2 hierarchy or of v1's freezer in
// /proc/<pid>/cgroup, whose lines are "id:controller,controller:path". A
// freezer that shares its hierarchy with another controller does not count:
// the hook would be moved there twice, to different cgroups.
func cgroupPath(data []byte, unified bool) (string, bool) {
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		id, rest, _ := strings.Cut(s.Text(), ":")
		controllers, path, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		if unified && id == "0" && controllers == "" {
			return path, true
		}
		if !unified && controllers == freezer {
			return path, true
		}
	}
	return "", false
}

// below returns the directory of the cgroup path under the mount m, if m is of
// the right hierarchy and shows that part of it.
func below(m *mountinfo.Info, path string, unified bool) (string, bool) {
	if unified != (m.FSType == "cgroup2") {
		return "", false
	}
	if !unified && !slices.Contains(strings.Split(m.VFSOptions, ","), freezer) {
		return "", false
	}
	rel, err := filepath.Rel(m.Root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", false
	}
	return filepath.Join(m.Mountpoint, rel), true
}

var errNoCgroup = errors.New("the container's cgroup is not known")
