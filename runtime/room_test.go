package runtime

import (
	"os"
	"path/filepath"
	"testing"
)

// tree is a cgroup /pod/container in a directory that stands for a mount.
type tree struct {
	*Cgroup
	top string
}

func newTree(t *testing.T, unified bool, files map[string]string) tree {
	t.Helper()
	top := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(top, "pod/container"), 0o755))
	for name, data := range files {
		must(t, os.WriteFile(filepath.Join(top, name), []byte(data+"\n"), 0o600))
	}
	p := membership{dir: filepath.Join(top, "pod/container"), top: top}
	if !unified {
		p.controllers = "pids,memory,freezer"
	}
	return tree{Cgroup: &Cgroup{unified: unified, memberships: []membership{p}}, top: top}
}

func TestCgroupRoom(t *testing.T) {
	for _, tc := range []struct {
		name    string
		unified bool
		files   map[string]string
		want    bool
	}{
		{"v2 without limits", true, map[string]string{"pod/container/pids.max": "max", "pod/container/memory.max": "max", "pod/container/memory.current": "1000000000"}, true},
		{"v2, nothing can be read", true, nil, true},
		{"v2, pids", true, map[string]string{"pod/container/pids.max": "33", "pod/container/pids.current": "1"}, true},
		{"v2, few pids", true, map[string]string{"pod/container/pids.max": "33", "pod/container/pids.current": "2"}, false},
		{"v2, few pids in the pod", true, map[string]string{"pod/container/pids.max": "max", "pod/pids.max": "100", "pod/pids.current": "90"}, false},
		{"v2, few pids of all", true, map[string]string{"pids.max": "100", "pids.current": "90"}, false},
		{"v2, memory", true, map[string]string{"pod/container/memory.max": "20971520", "pod/container/memory.current": "4194304"}, true},
		{"v2, little memory", true, map[string]string{"pod/container/memory.max": "20971520", "pod/container/memory.current": "4194305"}, false},
		{"v2, little memory in the pod", true, map[string]string{"pod/memory.max": "20971520", "pod/memory.current": "20971520", "pod/memory.stat": "inactive_file 1"}, false},
		{"v2, memory but for cache", true, map[string]string{"pod/memory.max": "20971520", "pod/memory.current": "20971520", "pod/memory.stat": "anon 1\ninactive_file 18000000"}, true},
		{"v1 without limits", false, map[string]string{"pod/container/memory.limit_in_bytes": "9223372036854771712", "pod/container/memory.usage_in_bytes": "9223372036854771712"}, true},
		{"v1, few pids", false, map[string]string{"pod/pids.max": "10", "pod/pids.current": "1"}, false},
		{"v1, little memory", false, map[string]string{"pod/memory.limit_in_bytes": "1048576", "pod/memory.usage_in_bytes": "0"}, false},
		{"v1, memory but for cache", false, map[string]string{"pod/memory.limit_in_bytes": "20971520", "pod/memory.usage_in_bytes": "20971520", "pod/memory.stat": "inactive_file 1\ntotal_inactive_file 18000000"}, true},
	} {
		if got := newTree(t, tc.unified, tc.files).hasRoom(); got != tc.want {
			t.Errorf("%s: got %v", tc.name, got)
		}
	}
	if !(*Cgroup)(nil).hasRoom() {
		t.Error("unknown: no room")
	}
}

func TestCgroupPaused(t *testing.T) {
	for _, tc := range []struct {
		name    string
		unified bool
		files   map[string]string
		want    bool
	}{
		{"v2", true, map[string]string{"pod/container/cgroup.events": "populated 1\nfrozen 0", "pod/container/cgroup.freeze": "0", "pod/cgroup.freeze": "0"}, false},
		{"v2, frozen", true, map[string]string{"pod/container/cgroup.events": "populated 1\nfrozen 1"}, true},
		{"v2, freezing", true, map[string]string{"pod/container/cgroup.events": "populated 1\nfrozen 0", "pod/container/cgroup.freeze": "1"}, true},
		{"v2, freezing from above", true, map[string]string{"pod/container/cgroup.freeze": "0", "pod/cgroup.freeze": "1"}, true},
		{"v2, nothing can be read", true, nil, false},
		{"v1", false, map[string]string{"pod/container/freezer.state": "THAWED"}, false},
		{"v1, frozen", false, map[string]string{"pod/container/freezer.state": "FROZEN"}, true},
		{"v1, freezing", false, map[string]string{"pod/container/freezer.state": "FREEZING"}, true},
	} {
		if got := newTree(t, tc.unified, tc.files).paused(); got != tc.want {
			t.Errorf("%s: got %v", tc.name, got)
		}
	}
	if (*Cgroup)(nil).paused() {
		t.Error("unknown: paused")
	}
}
