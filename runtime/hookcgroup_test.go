package runtime

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// A cgroup v2 mount is looked for wherever it is: hosts on v1 often have one,
// without controllers, that can kill and freeze all the same.
func unifiedCgroup(t *testing.T) *hookCgroup {
	t.Helper()
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup2"))
	must(t, err)
	if len(mounts) == 0 || os.Geteuid() != 0 {
		t.Skip("needs root and a cgroup v2 mount")
	}
	h, err := (&Cgroup{dir: mounts[0].Mountpoint, unified: true}).newHookCgroup()
	if err != nil {
		t.Skipf("needs a cgroup v2 mount to write to: %v", err)
	}
	return h
}

func TestHookCgroupKillOnV2(t *testing.T) {
	h := unifiedCgroup(t)
	defer h.remove()
	// Nothing is forked before the process is in the cgroup.
	cmd := exec.Command("sh", "-c", "read x; setsid sleep 1000 & sleep 1000")
	stdin, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	must(t, writeCgroup(h.dir, "cgroup.procs", strconv.Itoa(cmd.Process.Pid)))
	must(t, stdin.Close())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	eventually(t, "both processes", func() bool { return len(h.pids(9)) >= 2 })
	must(t, h.kill(20*time.Second))
	if pids := h.pids(9); len(pids) != 0 {
		t.Errorf("left: %v", pids)
	}
	if err := <-ended; err == nil {
		t.Error("not killed")
	}
	h.remove()
	if _, err := os.Stat(h.dir); !os.IsNotExist(err) {
		t.Errorf("not removed: %v", err)
	}
}

// A process can escape one cgroup.kill by forking: it is killed by the next.
// A pipe stands in for the file, and counts.
func TestHookCgroupKillsAgainWhatWasMissed(t *testing.T) {
	h := &hookCgroup{dir: t.TempDir(), unified: true}
	kill, procs := filepath.Join(h.dir, "cgroup.kill"), filepath.Join(h.dir, "cgroup.procs")
	must(t, unix.Mkfifo(kill, 0o600))
	must(t, os.WriteFile(procs, []byte("4194305\n"), 0o600)) // above any pid
	asked, err := os.OpenFile(kill, os.O_RDWR, 0)
	must(t, err)
	defer asked.Close()
	done := make(chan error, 1)
	go func() { done <- h.kill(time.Minute) }()
	_, err = io.ReadFull(asked, make([]byte, 2))
	must(t, err)
	must(t, os.WriteFile(procs, nil, 0o600))
	must(t, <-done)
}

// Kernels before 5.14 have no cgroup.kill.
func TestHookCgroupFreezesToKillOnV2(t *testing.T) {
	h := unifiedCgroup(t)
	defer h.remove()
	cmd := exec.Command("sleep", "1000")
	must(t, cmd.Start())
	must(t, writeCgroup(h.dir, "cgroup.procs", strconv.Itoa(cmd.Process.Pid)))
	must(t, h.freeze(true))
	if !h.frozen() {
		t.Error("not frozen")
	}
	if n := h.signalAll(); n != 1 {
		t.Errorf("signalled %d", n)
	}
	must(t, h.freeze(false))
	if err := cmd.Wait(); err == nil {
		t.Error("not killed")
	}
}

func TestHookCgroupCannotBeMade(t *testing.T) {
	if _, err := (*Cgroup)(nil).newHookCgroup(); !errors.Is(err, errNoCgroup) {
		t.Errorf("in no cgroup: %v", err)
	}
	if _, err := (&Cgroup{dir: filepath.Join(t.TempDir(), "gone")}).newHookCgroup(); !os.IsNotExist(err) {
		t.Errorf("in a cgroup that is gone: %v", err)
	}
}
