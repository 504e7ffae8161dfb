package runtime

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/proc"
)

// leads starts script in a session of its own, which prints the pids that it
// wants to be known, one a line, and then "ready".
func leads(t *testing.T, script string) (first int, told []int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		for _, pid := range told {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		_ = cmd.Wait()
	})
	for s := bufio.NewScanner(out); s.Scan() && s.Text() != "ready"; {
		pid, err := strconv.Atoi(s.Text())
		must(t, err)
		told = append(told, pid)
	}
	return cmd.Process.Pid, told
}

// pidOnly is an init of which nothing but the number is known.
func pidOnly(pid int) Init { return Init{proc.Process{Pid: pid}} }

func lives(pid int) bool {
	st, err := proc.ReadStat(pid)
	return err == nil && st.Alive()
}

const (
	near = `sleep 300 & echo $!; `
	// far leaves the session, and has a child, an orphan and one more session.
	far  = `setsid sh -c 'echo $$; sleep 300 & echo $!; sh -c "sleep 300 & echo \$!"; setsid sleep 300 & echo $!; echo done; wait' | { while read x && [ $x != done ]; do echo $x; done; echo ready; cat; }`
	stay = `echo ready; wait`
)

func TestSessionDiesWithWhatDescendsFromIt(t *testing.T) {
	first, told := leads(t, near+far)
	if len(told) != 5 {
		t.Fatalf("told of %v", told)
	}
	must(t, killSession(proc.NewSession(first, first), nil, pidOnly(os.Getpid()), time.Minute))
	for _, pid := range append(told, first) {
		if lives(pid) {
			t.Errorf("%d of %d, %v lives", pid, first, told)
		}
	}
}

// What is not in the container's cgroup is not killed, whoever it descends from.
func TestSessionOutsideOfTheContainerLives(t *testing.T) {
	first, told := leads(t, near+stay)
	c := &Cgroup{memberships: []membership{{controllers: "cpu", path: "/elsewhere"}, {path: "/elsewhere"}}}
	must(t, killSession(proc.NewSession(first, first), c, pidOnly(os.Getpid()), time.Minute))
	if !lives(first) || !lives(told[0]) {
		t.Error("killed")
	}
}

// A number that was given away again is another's: what has it began after the
// hook was seen last.
func TestSessionThatIsAnothersByNowLives(t *testing.T) {
	first, told := leads(t, near+stay)
	s := proc.NewSession(first, first)
	st, err := proc.ReadStat(first)
	must(t, err)
	s.Known = st.Start - 100 // a second
	must(t, killSession(s, nil, pidOnly(os.Getpid()), time.Minute))
	if !lives(first) || !lives(told[0]) {
		t.Error("killed")
	}
}

func TestSessionThatIsGoneIsNoError(t *testing.T) {
	must(t, killSession(proc.NewSession(4194305, 4194305), nil, Init{}, time.Minute))
}

// A hook that leaves its cgroup takes nothing out of reach. The name has Cgroup in
// it for the run on cgroup v2.
func TestExecCancelledThatLeftItsCgroupDies(t *testing.T) {
	c := startContainer(t, nil)
	c.runcDo("exec", "--detach", c.ID, "sleep", "2001")
	ctx, cancel := context.WithCancelCause(t.Context())
	const script = `sleep 1001 & setsid sleep 1002 & setsid sh -c 'sleep 1003 & setsid sleep 1004 & touch /scratch/ready; wait' & wait`
	done := c.start(ctx, c.handler(&hooks.Exec{Command: []string{"sh", "-c", script}}))
	all := []string{"1001", "1002", "1003", "1004"}
	eventually(t, "all processes", func() bool { return slices.Equal(c.running("100"), all) })
	// A runtime that started them tells of their pid when it ends.
	eventually(t, "the end of the runtime", func() bool {
		procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
		must(t, err)
		return !slices.ContainsFunc(procs, func(p string) bool {
			cmdline, _ := os.ReadFile(p)
			return strings.Contains(string(cmdline), "\x00exec\x00") && strings.Contains(string(cmdline), c.ID)
		})
	})
	for _, pid := range cgroupPids(c.hookCgroups()[0]) {
		must(t, writeCgroup(c.Cgroup.dir, "cgroup.procs", strconv.Itoa(pid)))
	}
	cancel(errCut)
	c.await(done)
	if left := c.running("100"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if live := c.running("2001"); len(live) != 1 || c.Init.Liveness() != hooks.Alive {
		t.Error("more than the hook was killed")
	}
}

func TestGuard(t *testing.T) {
	c := startContainer(t, nil)
	ours, err := (&Executor{}).ReadCgroup(os.Getpid())
	must(t, err)
	for _, tc := range []struct {
		name            string
		guard           *guard
		init, ourselves bool
	}{
		{"cgroup and pid namespace", newGuard(c.Cgroup, c.Init), true, false},
		{"cgroup", newGuard(c.Cgroup, pidOnly(os.Getpid())), true, false},
		{"pid namespace", newGuard(ours, c.Init), true, false},
		{"an init that is another by now", newGuard(nil, pidOnly(c.Init.Pid)), true, true},
		{"nothing that tells", newGuard(nil, pidOnly(os.Getpid())), true, true},
	} {
		if init, ourselves := tc.guard.holds(c.Init.Pid), tc.guard.holds(os.Getpid()); init != tc.init || ourselves != tc.ourselves {
			t.Errorf("%s: holds the init: %v, this process: %v", tc.name, init, ourselves)
		}
	}
	if data, err := os.ReadFile("/proc/self/cgroup"); err != nil || ours.holds(data) {
		t.Errorf("a cgroup that is shared tells whose a process is (%v)", err)
	}
	g := newGuard(c.Cgroup, c.Init)
	if g.signal(c.Init.Pid, c.Init.Start+1, 0) || !g.signal(c.Init.Pid, c.Init.Start, 0) {
		t.Error("a pid was taken for a process, or the process was not known")
	}
}

// What the init of a container shows is what runc joined: all hierarchies, each
// with a cgroup that is the container's own.
func TestCgroupOfAContainer(t *testing.T) {
	c := startContainer(t, nil)
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(c.Init.Pid), "cgroup"))
	must(t, err)
	if c.Cgroup.unified && len(c.Cgroup.memberships) != 1 || !c.Cgroup.unified && len(c.Cgroup.memberships) != len(lines(data)) {
		t.Errorf("%+v of %s", c.Cgroup.memberships, data)
	}
	for _, p := range c.Cgroup.memberships {
		if !slices.Contains(cgroupPids(p.dir), c.Init.Pid) || p.shared || !strings.HasSuffix(p.dir, c.ID) {
			t.Errorf("%+v: is not the init's", p)
		}
	}
	if !c.Cgroup.hasRoom() {
		t.Error("has no room")
	}
	c.runcDo("pause", c.ID)
	if !c.Cgroup.paused() {
		t.Error("not paused")
	}
	c.runcDo("resume", c.ID)
	if c.Cgroup.paused() {
		t.Error("still paused")
	}
}
