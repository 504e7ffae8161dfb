package runtime

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// owner returns the uid and gid of a file.
func owner(t *testing.T, file string) [2]uint32 {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Stat(file, &st))
	return [2]uint32{st.Uid, st.Gid}
}

func TestHookCgroupIsDelegated(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	container, h := t.TempDir(), &hookCgroup{dir: t.TempDir()}
	for _, file := range []string{"cgroup.procs", "cgroup.subtree_control", "cgroup.freeze"} {
		must(t, os.WriteFile(filepath.Join(h.dir, file), nil, 0o600))
	}
	files := []string{"cgroup.procs", "cgroup.subtree_control", "memory.oom.group"}
	must(t, h.delegate(container, files))
	if got := owner(t, h.dir); got != [2]uint32{} {
		t.Errorf("root's is %v's", got)
	}
	must(t, os.Chown(container, 1234, 2345))
	must(t, h.delegate(container, files))
	for file, want := range map[string][2]uint32{".": {1234, 2345}, "cgroup.procs": {1234, 2345}, "cgroup.subtree_control": {1234, 2345}, "cgroup.freeze": {}} {
		if got := owner(t, filepath.Join(h.dir, file)); got != want {
			t.Errorf("%s is %v's, want %v", file, got, want)
		}
	}
	if err := h.delegate(filepath.Join(container, "gone"), files); !os.IsNotExist(err) {
		t.Errorf("of a container that is gone: %v", err)
	}
}

// On a real cgroup v2, whichever mount there is.
func TestHookCgroupOfADelegatedCgroupOnV2(t *testing.T) {
	container := unifiedCgroup(t)
	defer container.remove()
	must(t, os.Chown(container.dir, 1234, 2345))
	c := &Cgroup{dir: container.dir, unified: true, delegated: delegatedFiles()}
	h, err := c.newHookCgroup()
	must(t, err)
	defer h.remove()
	for file, want := range map[string][2]uint32{".": {1234, 2345}, "cgroup.procs": {1234, 2345}, "cgroup.freeze": {}} {
		if got := owner(t, filepath.Join(h.dir, file)); got != want {
			t.Errorf("%s is %v's, want %v", file, got, want)
		}
	}
}
