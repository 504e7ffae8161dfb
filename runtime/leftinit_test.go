package runtime

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

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
	// It was noted before this process was there.
	early := bundleOf(c.Init.Pid, "/"+c.ID)
	ago := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(filepath.Join(early, "init.pid"), ago, ago))
	// Its pid may be another's by now, a thread's, or none's.
	thread := threadOf(t)
	for _, dir := range []string{early, bundleOf(thread, "/"+c.ID), bundleOf(c.Init.Pid, "/other"), bundleOf(c.Init.Pid, ""), bundleOf(1<<22-1, "/"+c.ID), t.TempDir()} {
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

// threadOf returns a thread of this process that is not its first.
func threadOf(t *testing.T) int {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	must(t, err)
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		must(t, err)
		if tid != os.Getpid() {
			return tid
		}
	}
	t.Fatal("this process has one thread")
	return 0
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
		{"4:freezer:/\n0::/\n", "/", false},
		{"0::/\n", "../..", false},
	} {
		if got := inCgroupsPath([]byte(tt.cgroup), tt.path); got != tt.want {
			t.Errorf("%q in %s: got %v", tt.cgroup, tt.path, got)
		}
	}
}
