package runtime

import (
	"testing"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

func TestKilledButFrozenInitIsNotAlive(t *testing.T) {
	c := startContainer(t, nil)
	c.runcDo("pause", c.ID)
	if c.Init.Liveness() != hooks.Alive {
		t.Error("a paused init is not alive")
	}
	must(t, unix.Kill(c.Init.Pid, unix.SIGKILL))
	if c.Init.Liveness() == hooks.Alive {
		t.Error("an init with SIGKILL before it counts as alive")
	}
	c.runcDo("resume", c.ID)
}
