package runtime

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/bundle"
)

// The name has Cgroup in it for the run on cgroup v2.
func TestHooksThatAreLeftFrozenInTheirCgroupDie(t *testing.T) {
	c := startContainer(t, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(errCut)
	done := c.start(ctx, c.handler(&hooks.Exec{Command: []string{"sh", "-c", daemons}}))
	for _, dir := range c.hookCgroups() {
		must(t, (&hookCgroup{dir: dir, unified: c.Cgroup.unified}).freeze(true))
	}
	// What is not bookend's stays as it is.
	theirs := &hookCgroup{dir: filepath.Join(c.Cgroup.dir, "own"), unified: c.Cgroup.unified}
	must(t, os.Mkdir(theirs.dir, 0o755))
	must(t, theirs.freeze(true))
	must(t, KillLeftHooks(c.Bundle))
	if got := c.await(done); got.Cause != hooks.CauseSignal {
		t.Errorf("got %+v, want it killed", got)
	}
	eventually(t, "the death of all", func() bool { return len(c.running("100")) == 0 })
	if !theirs.frozen() {
		t.Error("another's cgroup was thawed")
	}
	must(t, theirs.freeze(false))
	if c.Init.Liveness() != hooks.Alive {
		t.Error("the init died")
	}
}

// Versions before the note left frozen hooks in names of their own.
func TestHooksThatAreLeftFrozenInACgroupThatIsNotNotedDie(t *testing.T) {
	c := startContainer(t, nil)
	if c.Cgroup.unified {
		t.Skip("on cgroup v2 a frozen hook dies with its container")
	}
	old := &hookCgroup{dir: filepath.Join(c.Cgroup.dir, "bookend-mfrggzdfmz")}
	must(t, os.Mkdir(old.dir, 0o755))
	hook := exec.Command("sleep", "100")
	must(t, hook.Start())
	must(t, os.WriteFile(filepath.Join(old.dir, "cgroup.procs"), []byte(strconv.Itoa(hook.Process.Pid)), 0))
	must(t, old.freeze(true))
	died := make(chan error, 1)
	go func() { died <- hook.Wait() }()
	t.Cleanup(func() {
		_ = hook.Process.Kill()
		_ = old.freeze(false)
	})
	must(t, KillLeftHooks(c.Bundle)) // not one of bookend's containers
	if !old.frozen() {
		t.Error("the cgroup of a container without hooks was thawed")
	}
	must(t, bundle.WriteRecordsDir(c.Bundle, t.TempDir()))
	must(t, KillLeftHooks(c.Bundle))
	select {
	case err := <-died:
		if err == nil {
			t.Error("the hook ended by itself")
		}
	case <-time.After(time.Minute):
		t.Error("the hook lives")
	}
}

func TestHooksThatAreLeftNeedNotBe(t *testing.T) {
	dir := t.TempDir()
	must(t, KillLeftHooks(dir))       // no exec hook has run
	must(t, (*Cgroup)(nil).note(dir)) // its cgroup is not known
	must(t, KillLeftHooks(dir))
	must(t, bundle.WriteRecordsDir(dir, t.TempDir()))
	for _, path := range []string{"", "system.slice:prefix:web", "/no-such-cgroup"} {
		must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"linux":{"cgroupsPath":"`+path+`"}}`), 0o600))
		must(t, KillLeftHooks(dir))
	}
	must(t, (&Cgroup{dir: "/sys/fs/cgroup/no-such-cgroup"}).note(dir))
	must(t, KillLeftHooks(dir)) // the container's has gone
}
