package runtime

import (
	"testing"

	"github.com/moby/sys/mountinfo"
)

func TestCgroupPath(t *testing.T) {
	const (
		v1     = "5:devices:/a\n6:freezer:/kube/a:b\n1:name=systemd:/s\n0::/u\n"
		v2     = "0::/kube.slice/cri-x.scope\n"
		noneV1 = "5:devices:/a\n7:name=freezer:/n\n"
	)
	for _, tc := range []struct {
		name, data string
		unified    bool
		want       string
		ok         bool
	}{
		{"v1", v1, false, "/kube/a:b", true},
		{"v1's empty v2 hierarchy", v1, true, "/u", true},
		{"v2", v2, true, "/kube.slice/cri-x.scope", true},
		{"a freezer that is shared", "6:cpu,freezer:/a\n", false, "", false},
		{"no freezer", noneV1, false, "", false},
		{"no v2", noneV1, true, "", false},
		{"nothing", "", false, "", false},
		{"garbage", "x\n:\n", false, "", false},
	} {
		if got, ok := cgroupPath([]byte(tc.data), tc.unified); got != tc.want || ok != tc.ok {
			t.Errorf("%s: got %q, %v; want %q, %v", tc.name, got, ok, tc.want, tc.ok)
		}
	}
}

func TestCgroupBelowMount(t *testing.T) {
	v1 := func(root string) *mountinfo.Info {
		return &mountinfo.Info{FSType: "cgroup", VFSOptions: "rw,freezer", Root: root, Mountpoint: "/sys/fs/cgroup/freezer"}
	}
	v2 := func(root string) *mountinfo.Info {
		return &mountinfo.Info{FSType: "cgroup2", VFSOptions: "rw", Root: root, Mountpoint: "/sys/fs/cgroup"}
	}
	for _, tc := range []struct {
		name    string
		mount   *mountinfo.Info
		path    string
		unified bool
		want    string
	}{
		{"v1", v1("/"), "/a/b", false, "/sys/fs/cgroup/freezer/a/b"},
		{"v1 of a part", v1("/docker/x"), "/docker/x/a", false, "/sys/fs/cgroup/freezer/a"},
		{"v1 of another part", v1("/docker/x"), "/docker/xy", false, ""},
		{"v1 where v2 rules", v1("/"), "/a", true, ""},
		{"another controller", &mountinfo.Info{FSType: "cgroup", VFSOptions: "rw,pids", Root: "/", Mountpoint: "/m"}, "/a", false, ""},
		{"v2", v2("/"), "/a/b", true, "/sys/fs/cgroup/a/b"},
		{"v2 beside v1", v2("/"), "/a", false, ""},
		{"the mount itself", v2("/a"), "/a", true, "/sys/fs/cgroup"},
	} {
		if got, ok := below(tc.mount, tc.path, tc.unified); got != tc.want || ok != (tc.want != "") {
			t.Errorf("%s: got %q, %v; want %q", tc.name, got, ok, tc.want)
		}
	}
}
