package proc

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func alive(t *testing.T, p Process) bool {
	t.Helper()
	alive, err := p.Alive()
	must(t, err)
	return alive
}

func TestProcessAlive(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	must(t, cmd.Start())
	p, err := Find(cmd.Process.Pid)
	must(t, err)
	if !alive(t, p) {
		t.Error("a sleeping process is not alive")
	}
	must(t, cmd.Process.Signal(unix.SIGSTOP))
	if !alive(t, p) {
		t.Error("a stopped process is not alive")
	}
	if alive(t, Process{Pid: p.Pid, Start: p.Start + 1}) {
		t.Error("a later process of the same pid counts")
	}
	must(t, cmd.Process.Kill())
	must(t, unix.Waitid(unix.P_PID, p.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
	if alive(t, p) {
		t.Error("a zombie is alive")
	}
	_ = cmd.Wait() // killed, as asked
	if alive(t, p) {
		t.Error("a reaped process is alive")
	}
	if _, err := Find(p.Pid); err == nil {
		t.Error("a process that does not exist can be read")
	}
}
