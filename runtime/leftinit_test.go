package runtime

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"bookend.dev/bookend/hooks"
)

// The name has Cgroup in it for the run on cgroup v2.
func TestInitThatIsLeftInItsCgroupIsKilled(t *testing.T) {
	c := startContainer(t, nil)
	bundleOf := func(pid int, cgroupsPath string) string {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "init.pid"), []byte(strconv.Itoa(pid)), 0o600))
		must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"linux":{"cgroupsPath":"`+cgroupsPath+`"}}`), 0o600))
		return dir
	}
	// Its pid may be another's by now, or none's.
	for _, dir := range []string{bundleOf(c.Init.Pid, "/other"), bundleOf(c.Init.Pid, ""), bundleOf(1<<22-1, "/"+c.ID), t.TempDir()} {
		must(t, KillLeftInit(dir))
	}
	if c.Init.Liveness() != hooks.Alive {
		t.Fatal("the init was killed for another container")
	}
	must(t, KillLeftInit(bundleOf(c.Init.Pid, "/"+c.ID)))
	eventually(t, "the init's death", func() bool { return c.Init.Liveness() != hooks.Alive })

	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "init.pid"), []byte("-"), 0o600))
	if err := KillLeftInit(dir); err == nil {
		t.Error("a pid that cannot be read is no error")
	}
}

func TestInCgroupsPath(t *testing.T) {
	for _, tt := range []struct {
		cgroup, path string
		want         bool
	}{
		{"0::/k8s.io/web\n", "/k8s.io/web", true},
		{"0::/k8s.io/web/init.scope\n", "/k8s.io/web", true},
		{"0::/machine/k8s.io/web\n", "k8s.io/web", true}, // relative to the shim's, or in a namespace
		{"4:freezer:/k8s.io/web\n1:name=systemd:/\n0::/\n", "/k8s.io/web/", true},
		{"0::/k8s.io/web2\n", "/k8s.io/web", false},
		{"0::/a.slice/a-b.slice/cri-containerd-web.scope\n", "a-b.slice:cri-containerd:web", true},
		{"0::/a.slice/a-b.slice/cri-containerd-web.scope/init.scope\n", "a-b.slice:cri-containerd:web", true},
		{"0::/a.slice/web.scope\n", "a.slice::web", true},
		{"0::/a.slice/cri-containerd-web2.scope\n", "a.slice:cri-containerd:web", false},
		{"0::/\n", "/k8s.io/web", false},
	} {
		if got := inCgroupsPath([]byte(tt.cgroup), tt.path); got != tt.want {
			t.Errorf("%q in %s: got %v", tt.cgroup, tt.path, got)
		}
	}
}
