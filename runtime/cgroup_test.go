package runtime

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
)

// readMounts reads lines of "options root mountpoint superoptions", as
// cgroupMounts does mountinfo's; those without superoptions are v2's.
func readMounts(unified bool, lines ...string) *cgroupMounts {
	m := &cgroupMounts{unified: unified}
	for _, line := range lines {
		f := strings.Fields(line)
		info := &mountinfo.Info{FSType: "cgroup2", Options: f[0], Root: f[1], Mountpoint: f[2]}
		if len(f) > 3 {
			info.FSType, info.VFSOptions = "cgroup", f[3]
		}
		m.mounts = append(m.mounts, info)
	}
	m.mounts = writableFirst(m.mounts)
	return m
}

const (
	systemd1 = "rw / /c/systemd rw,xattr,name=systemd"
	cpu1     = "rw / /c/cpu,cpuacct rw,cpu,cpuacct"
	freezer1 = "rw / /c/freezer rw,freezer"
	unified1 = "rw / /c/unified"
	misc1    = "rw / /c/misc rw,misc"
)

func TestCgroupInEachHierarchy(t *testing.T) {
	const v1 = "9:name=systemd:/k/a\n7:cpu,cpuacct:/k/a\n6:freezer:/k/a:b\n5:misc:/\n0::/k/a\n"
	const own = "9:name=systemd:/s\n7:cpu,cpuacct:/s\n6:freezer:/\n5:misc:/\n0::/s\n"
	for _, tc := range []struct {
		name      string
		data, own string
		mounts    *cgroupMounts
		dir       string   // where hooks get theirs
		dirs      []string // all, in mount order; with a "!" those that are shared
	}{
		{
			"v1", v1, own, readMounts(false, cpu1, misc1, systemd1, freezer1),
			"/c/freezer/k/a:b", []string{"/c/cpu,cpuacct/k/a", "!/c/misc", "/c/systemd/k/a", "/c/freezer/k/a:b"},
		},
		{
			"v1 with a v2 that has no controllers", v1, own, readMounts(false, freezer1, unified1),
			"/c/freezer/k/a:b", []string{"/c/freezer/k/a:b", "/c/unified/k/a"},
		},
		{
			"one hierarchy at several places, one for reading", v1, own, readMounts(false, "ro / /ro/freezer rw,freezer", freezer1, "rw / /again rw,freezer"),
			"/c/freezer/k/a:b", []string{"/c/freezer/k/a:b"},
		},
		{
			"parts of a hierarchy", v1, own, readMounts(false, "rw /k/other /o rw,freezer", "rw /k/a /not rw,freezer", "rw /k /k rw,freezer"),
			"/k/a:b", []string{"/k/a:b"},
		},
		{
			"a freezer that is not alone", "6:cpu,freezer:/a\n", "6:cpu,freezer:/\n", readMounts(false, "rw / /c/both rw,freezer,cpu"),
			"", []string{"/c/both/a"},
		},
		{"a hierarchy that is named freezer", "7:name=freezer:/n\n", own, readMounts(false, freezer1), "", nil},
		{"a hierarchy that is not mounted", v1, own, readMounts(false, misc1), "", []string{"!/c/misc"}},
		{
			"v2", "0::/kube.slice/x.scope\n", "0::/system.slice\n", readMounts(true, "rw / /c"),
			"/c/kube.slice/x.scope", []string{"/c/kube.slice/x.scope"},
		},
		{"v2 and what is left of v1", "1:name=systemd:/a\n0::/a\n", "0::/\n", readMounts(true, systemd1, "rw / /c"), "/c/a", []string{"/c/a"}},
		{"v2 of the mount itself", "0::/a\n", "0::/\n", readMounts(true, "rw /a /c"), "/c", []string{"/c"}},
		{"v2 of this process", "0::/a\n", "0::/a/b\n", readMounts(true, "rw / /c"), "/c/a", []string{"!/c/a"}},
		{"outside of the cgroup namespace", "0::/../a\n", "0::/\n", readMounts(true, "rw / /c"), "", nil},
		{"outside, and mounted", "0::/../a/b\n", "0::/\n", readMounts(true, "rw /../a /c"), "/c/b", []string{"/c/b"}},
		{"nothing", "", own, readMounts(false, freezer1), "", nil},
		{"garbage", "x\n:\n6:freezer\n1::/v2\n0:cpu:/v1\n", own, readMounts(false, freezer1, unified1), "", nil},
	} {
		c := tc.mounts.cgroup([]byte(tc.data), []byte(tc.own))
		var dirs []string
		for _, p := range c.memberships {
			dirs = append(dirs, map[bool]string{true: "!"}[p.shared]+p.dir)
		}
		if c.dir != tc.dir || !slices.Equal(dirs, tc.dirs) {
			t.Errorf("%s: got %q of %q, want %q of %q", tc.name, c.dir, dirs, tc.dir, tc.dirs)
		}
	}
}

func TestCgroupOfThisProcess(t *testing.T) {
	e := &Executor{}
	c, err := e.ReadCgroup(os.Getpid())
	must(t, err)
	for _, p := range c.memberships {
		data, err := os.ReadFile(filepath.Join(p.dir, "cgroup.procs"))
		must(t, err)
		if !slices.Contains(strings.Fields(string(data)), strconv.Itoa(os.Getpid())) || !p.shared {
			t.Errorf("%+v: does not hold this process", p)
		}
	}
}

func TestCgroupJoins(t *testing.T) {
	v1 := readMounts(false, cpu1, freezer1, unified1).cgroup([]byte("2:cpu,cpuacct:/a\n1:freezer:/a\n0::/u\n"), nil)
	v2 := readMounts(true, "rw / /c").cgroup([]byte("0::/a\n"), nil)
	for _, tc := range []struct {
		name string
		c    *Cgroup
		h    *hookCgroup
		want []string
	}{
		{"unknown", nil, nil, nil},
		{"v1", v1, &hookCgroup{dir: "/c/freezer/a/bookend-0"}, []string{"/c/cpu,cpuacct/a", "/c/freezer/a/bookend-0", "/c/unified/u"}},
		{"v1, the container's own", v1, nil, []string{"/c/cpu,cpuacct/a", "/c/freezer/a", "/c/unified/u"}},
		{"v2", v2, &hookCgroup{dir: "/c/a/bookend-0"}, []string{"/c/a/bookend-0", "/c/a"}},
		{"v2, the container's own", v2, nil, []string{"/c/a"}},
	} {
		if got := tc.c.joins(tc.h, Init{}); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

// The init stands for one that has moved itself below the container's cgroup.
func TestCgroupJoinsTheInit(t *testing.T) {
	data, err := os.ReadFile("/proc/self/cgroup")
	must(t, err)
	own := slices.IndexFunc(parseMemberships(data), func(p membership) bool { return p.controllers == "" })
	if own < 0 {
		t.Skip("this kernel has no cgroup v2")
	}
	path := parseMemberships(data)[own].path
	for container, want := range map[string][]string{
		"/":      {"/c", filepath.Join("/c", path)},
		path:     {filepath.Join("/c", path)},
		"/other": {"/c/other"},
	} {
		if container == "/" && path == "/" {
			continue // it has not moved
		}
		c := readMounts(true, "rw / /c").cgroup([]byte("0::"+container+"\n"), nil)
		if got := c.joins(nil, pidOnly(os.Getpid())); !slices.Equal(got, want) {
			t.Errorf("container in %s, init in %s: got %q, want %q", container, path, got, want)
		}
	}
}
