package runtime

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

func TestParseTask(t *testing.T) {
	const stat = "42 (a ) b (c) S 1 40 41 0 -1 4194564 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2"
	got, err := parseTask([]byte(stat))
	if want := (task{state: 'S', parent: 1, session: 41, flags: 4194564, start: 987654}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if got.alive() {
		t.Error("a task that exits counts as alive")
	}
	for _, bad := range []string{"", "42 (a) S 1", "42 (a) S 1 40 x 0 -1 4194564 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2"} {
		if _, err := parseTask([]byte(bad)); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestInitAlive(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	must(t, cmd.Start())
	init, err := ReadInit(cmd.Process.Pid)
	must(t, err)
	if init.Liveness() != hooks.Alive {
		t.Error("a sleeping process is not alive")
	}
	must(t, cmd.Process.Signal(unix.SIGSTOP))
	if init.Liveness() != hooks.Alive {
		t.Error("a stopped process is not alive")
	}
	reused := Init{Pid: init.Pid, start: init.start + 1}
	if reused.Liveness() == hooks.Alive {
		t.Error("a later process of the same pid counts")
	}
	must(t, cmd.Process.Kill())
	must(t, unix.Waitid(unix.P_PID, init.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
	if init.Liveness() == hooks.Alive {
		t.Error("a zombie is alive")
	}
	_ = cmd.Wait() // killed, as asked
	if init.Liveness() == hooks.Alive {
		t.Error("a reaped process is alive")
	}
	if _, err := ReadInit(init.Pid); err == nil {
		t.Error("a process that does not exist can be read")
	}
}

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
