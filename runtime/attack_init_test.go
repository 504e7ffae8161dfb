package runtime

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/internal/stepper"
)

// initScript makes a container's root of a directory, as a runtime does. It
// ends with its standard input.
const initScript = `mount --make-rprivate / && mount --bind "$1" "$1" && cd "$1" && mkdir -p old && pivot_root . old &&
mount -t proc proc proc && mount -t tmpfs tmpfs dev && mknod -m 666 dev/null c 1 3 && umount -l old && echo 1 >scratch/up
while read line; do :; done`

// renewInit gives the container another init, without a runtime: that takes a
// twentieth of the time.
func (c *testContainer) renewInit(cgroups []string) {
	c.Helper()
	cmd := exec.Command("/bin/busybox", "sh", "-c", initScript, "sh", c.rootfs)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET,
	}
	stdin, err := cmd.StdinPipe()
	must(c, err)
	must(c, cmd.Start())
	reaped := make(chan struct{})
	go func() { defer close(reaped); _ = cmd.Wait() }()
	c.Cleanup(func() {
		stdin.Close()
		_ = cmd.Process.Kill()
		select {
		case <-reaped:
		case <-time.After(attackBound):
			c.Errorf("the init %d is never reaped", cmd.Process.Pid)
		}
	})
	eventually(c, "an init", func() bool { return c.took("up") })
	for _, dir := range cgroups {
		must(c, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(cmd.Process.Pid)), 0))
	}
	c.Init, err = ReadInit(cmd.Process.Pid)
	must(c, err)
	c.Runner = runnerUnderTest(c, c.runc)
}

// allCgroups are the directories of the container in every hierarchy.
func (c *testContainer) allCgroups() (dirs []string) {
	c.Helper()
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		found, err := filepath.Glob(pattern + c.ID)
		must(c, err)
		dirs = append(dirs, found...)
	}
	if len(dirs) == 0 {
		c.Fatal("the container has no cgroup")
	}
	return dirs
}

// The init dies at each step. The hook is suspect of having died with it, or
// says that the container is gone.
func TestAttackInitDiesAtEachStep(t *testing.T) {
	c := startContainer(t, nil)
	cgroups := c.allCgroups()
	stay := hooks.Exec{Command: []string{"sleep", "1001"}}
	for _, process := range []int{joinerProcess, hookProcess} {
		c.renewInit(cgroups)
		c.each(attackKind{hook: stay, stays: true, rerun: true}, process, func(*attack) stepper.Verdict {
			c.killInit()
			return stepper.Detach
		}, func(a *attack) {
			if !a.report.Suspect || a.report.Err == nil {
				t.Errorf("at %v: got %+v", a.step, a.report)
			}
			c.renewInit(cgroups)
		})
	}
}

// A pid that is another process' by now is not joined.
func TestAttackInitsPidUsedAgain(t *testing.T) {
	c := startContainer(t, nil)
	c.Init.Start--
	got := c.bounded(&ran)
	if got.Cause != hooks.CauseGone || !got.Suspect || c.took("ran") {
		t.Errorf("got %+v", got)
	}
}

// At the container's limit of processes, a hook of one process runs.
func TestAttackHookAtThePidsLimit(t *testing.T) {
	c := startContainer(t, func(s *specs.Spec) { s.Process.Args = []string{"sleep", "9000"} })
	for _, dir := range c.allCgroups() {
		if err := os.WriteFile(filepath.Join(dir, "pids.max"), []byte("1"), 0); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			t.Fatal(err)
		}
	}
	wantReport(t, c.tried("true"), hooks.Report{})
	if got := c.tried("sh", "-c", "(echo went on); true"); len(got.Stdout) != 0 {
		t.Error("a hook got beyond the limit")
	}
}
