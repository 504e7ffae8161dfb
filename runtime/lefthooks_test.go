package runtime

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"bookend.dev/bookend/hooks"
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

func TestHooksThatAreLeftNeedNotBe(t *testing.T) {
	bundle := t.TempDir()
	must(t, KillLeftHooks(bundle))       // no exec hook has run
	must(t, (*Cgroup)(nil).note(bundle)) // its cgroup is not known
	must(t, KillLeftHooks(bundle))
	must(t, (&Cgroup{dir: "/sys/fs/cgroup/no-such-cgroup"}).note(bundle))
	must(t, KillLeftHooks(bundle)) // the container's has gone
}
