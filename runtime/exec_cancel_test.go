package runtime

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	runc "github.com/containerd/go-runc"
	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/hooks"
)

// daemons leaves processes behind in each way there is to get out of reach,
// then says so and stays.
const daemons = `
sleep 1001 &
setsid sleep 1002 </dev/null >/dev/null 2>&1 &
(setsid sh -c 'sleep 1003 & sleep 1004 & exec sleep 1005' </dev/null >/dev/null 2>&1 &)
trap '' TERM INT HUP
echo ready >/scratch/ready
while :; do sleep 1006; done`

// running lists the arguments of the processes of the container that sleep
// for a time that starts with prefix.
func (c *testContainer) running(prefix string) []string {
	found := []string{}
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range procs {
		cmdline, _ := os.ReadFile(p)
		cgroup, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "cgroup"))
		args := strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00")
		if strings.Contains(string(cgroup), c.ID) && len(args) == 2 && strings.HasPrefix(args[1], prefix) {
			found = append(found, args[1])
		}
	}
	slices.Sort(found)
	return found
}

// start runs spec in the background until its script has made /scratch/ready.
func (c *testContainer) start(ctx context.Context, h hooks.Handler) <-chan hooks.Report {
	c.Helper()
	done := make(chan hooks.Report, 1)
	go func() { done <- h.Run(ctx) }()
	ready := filepath.Join(c.rootfs, "scratch/ready")
	eventually(c, "the hook's being ready", func() bool { _, err := os.Stat(ready); return err == nil })
	must(c, os.Remove(ready))
	return done
}

func (c *testContainer) await(done <-chan hooks.Report) hooks.Report {
	c.Helper()
	select {
	case r := <-done:
		return r
	case <-time.After(time.Minute):
		c.Fatal("the hook never returned")
		panic("unreachable")
	}
}

var errCut = errors.New("cut")

func withoutPIDNamespace(s *specs.Spec) {
	s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.PIDNamespace })
}

func TestExecCancelledDiesWithItsDaemonsAndNothingElse(t *testing.T) {
	for name, edit := range map[string]func(*specs.Spec){"own pid namespace": nil, "host pid namespace": withoutPIDNamespace} {
		t.Run(name, func(t *testing.T) {
			c := startContainer(t, edit)
			c.runcDo("exec", "--detach", c.ID, "sleep", "2001")
			others := c.start(t.Context(), c.handler(&hooks.Exec{Command: []string{"sh", "-c", "setsid sleep 3001 & touch /scratch/ready; sleep 3002"}}))
			ctx, cancel := context.WithCancelCause(t.Context())
			done := c.start(ctx, c.handler(&hooks.Exec{Command: []string{"sh", "-c", daemons}}))
			all := []string{"1001", "1002", "1003", "1004", "1005", "1006"}
			eventually(t, "all processes", func() bool { return slices.Equal(c.running("100"), all) })
			cancel(errCut)
			got := c.await(done)
			if left := c.running("100"); len(left) != 0 {
				t.Errorf("processes left: %v", left)
			}
			if got.Cause != hooks.CauseCancelled || !errors.Is(got.Err, errCut) {
				t.Errorf("got %+v", got)
			}
			// The init, an exec of the client's and another hook live.
			if live := slices.Concat(c.running("9000"), c.running("2"), c.running("3")); !slices.Equal(live, []string{"9000", "2001", "3001", "3002"}) {
				t.Errorf("of the others there are only %v", live)
			}
			if c.Init.Liveness() != hooks.Alive || len(c.hookCgroups()) != 1 {
				t.Errorf("init alive: %v, cgroups of hooks: %v", c.Init.Liveness() == hooks.Alive, c.hookCgroups())
			}
			c.runcDo("kill", "--all", c.ID, "KILL")
			wantReport(t, c.await(others), hooks.Report{Cause: hooks.CauseSignal, Signal: 9, Suspect: true})
		})
	}
}

// A hook that forks as fast as it can is killed all the same.
func TestExecCancelledForkBombDies(t *testing.T) {
	c := startContainer(t, func(s *specs.Spec) {
		limit := int64(200)
		s.Linux.Resources = &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &limit}}
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	const bomb = `echo 'while :; do setsid sh /scratch/bomb & sleep 0; done' >/scratch/bomb; sh /scratch/bomb & touch /scratch/ready; wait`
	done := c.start(ctx, c.handler(&hooks.Exec{Command: []string{"sh", "-c", bomb}}))
	procs := filepath.Join(c.hookCgroups()[0], "cgroup.procs")
	eventually(t, "many processes", func() bool { data, _ := os.ReadFile(procs); return len(lines(data)) > 50 })
	cancel(errCut)
	c.await(done)
	eventually(t, "the end of the bomb's cgroup", func() bool { return len(c.hookCgroups()) == 0 })
	if c.Init.Liveness() != hooks.Alive {
		t.Error("the init died")
	}
}

// Where the hook gets no cgroup, at least its session dies.
func TestExecCancelledWithoutACgroupKillsTheSession(t *testing.T) {
	c := startContainer(t, nil)
	c.runcDo("exec", "--detach", c.ID, "sleep", "2001")
	c.Runner = ownRuntime(t, c.runc) // the joiner wants to know the cgroup
	known := c.Cgroup
	c.Cgroup = nil
	ctx, cancel := context.WithCancelCause(t.Context())
	done := c.start(ctx, c.handler(&hooks.Exec{Command: []string{"sh", "-c", "(sleep 1001 &) ; touch /scratch/ready; sleep 1002"}}))
	c.Cgroup = known
	eventually(t, "all processes", func() bool { return slices.Equal(c.running("100"), []string{"1001", "1002"}) })
	cancel(errCut)
	c.await(done)
	eventually(t, "the session's death", func() bool { return len(c.running("100")) == 0 })
	if live := c.running("2001"); len(live) != 1 {
		t.Error("a client's exec was killed too")
	}
}

// Cancelled while the container is paused, the hook returns at once; its
// processes die at once too on cgroup v2, on v1 when the container goes on.
func TestExecCancelledInAPausedContainer(t *testing.T) {
	c := startContainer(t, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := c.start(ctx, c.handler(&hooks.Exec{Command: []string{"sh", "-c", daemons}}))
	c.runcDo("pause", c.ID)
	cancel(errCut)
	if got := c.await(done); got.Cause != hooks.CauseCancelled {
		t.Errorf("got %+v", got)
	}
	if left := c.running("100"); c.Cgroup.unified && len(left) != 0 {
		t.Errorf("still there in the paused container: %v", left)
	}
	c.runcDo("resume", c.ID)
	eventually(t, "the death of all", func() bool {
		return len(c.running("1001")) == 0 && len(c.running("1002")) == 0 && len(c.running("1006")) == 0
	})
	if c.Init.Liveness() != hooks.Alive {
		t.Error("the init died")
	}
}

// A container that is frozen behind runc's back freezes the hook while it is
// being started; ctx ends that too.
func TestExecCancelledWhileFrozenInTheMiddleOfItsStart(t *testing.T) {
	if os.Getenv("BOOKEND_TEST_RUNNER") == ByRuntime {
		t.Skip("a runtime looks at the hook's cgroup in place of the container's, and refuses to start anything in it")
	}
	c := startContainer(t, nil)
	// Frozen is only what joins a cgroup that runc does not look at.
	ctx, cancel := context.WithCancelCause(t.Context())
	c.awaitPlan()
	c.executor.monitor = newTripwire(func() {
		if err := (&hookCgroup{dir: c.hookCgroups()[0], unified: c.Cgroup.unified}).freeze(true); err != nil {
			t.Error(err)
		}
	})
	done := make(chan hooks.Report, 1)
	go func() { done <- c.handler(&hooks.Exec{Command: []string{"sh", "-c", "touch /scratch/ran"}}).Run(ctx) }()
	eventually(t, "a process in the frozen cgroup", func() bool {
		dirs := c.hookCgroups()
		if len(dirs) == 0 {
			return false
		}
		data, _ := os.ReadFile(filepath.Join(dirs[0], "cgroup.procs"))
		return len(data) > 0
	})
	cancel(errCut)
	if got := c.await(done); got.Cause != hooks.CauseCancelled {
		t.Errorf("got %+v", got)
	}
	if _, err := os.Stat(filepath.Join(c.rootfs, "scratch/ran")); err == nil || len(c.hookCgroups()) != 0 {
		t.Errorf("the command ran (%v), or cgroups are left: %v", err == nil, c.hookCgroups())
	}
}

// Cancelled at any moment of its start, a hook leaves nothing.
func TestExecCancelledAtAnyMomentLeavesNothing(t *testing.T) {
	c := startContainer(t, nil)
	for i := range 40 {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(i)*time.Millisecond, errCut)
		got := c.handler(&hooks.Exec{Command: []string{"sh", "-c", "setsid sleep 1001 & sleep 1002"}}).Run(ctx)
		cancel()
		if got.Cause == "" {
			t.Fatalf("after %d ms: succeeded", i)
		}
	}
	eventually(t, "the end of all", func() bool { return len(c.running("1001"))+len(c.running("1002")) == 0 })
	if left := c.hookCgroups(); len(left) != 0 {
		t.Errorf("cgroups left: %v", left)
	}
}

// When the joiner or bookend-exec is killed, the hook is not left to itself.
func TestExecTreeDiesWithItsParent(t *testing.T) {
	c := startContainer(t, nil)
	c.awaitPlan()
	monitor := newTripwire(func() {})
	c.executor.monitor = monitor
	done := c.start(t.Context(), c.handler(&hooks.Exec{Command: []string{"sh", "-c", daemons}}))
	must(t, (<-monitor.started).Process.Kill())
	got := c.await(done)
	if got.Cause != hooks.CauseInternal || got.Suspect || got.Err == nil {
		t.Errorf("got %+v", got)
	}
	if left := c.running("1001"); len(left) != 0 || len(c.hookCgroups()) != 0 {
		t.Errorf("left: %v in %v", left, c.hookCgroups())
	}
}

// The init's death takes the hook along; nothing says which came first.
func TestExecKilledByTheInitsExitIsSuspect(t *testing.T) {
	c := startContainer(t, nil)
	done := c.start(t.Context(), c.handler(&hooks.Exec{Command: []string{"sh", "-c", "touch /scratch/ready; sleep 1001"}}))
	c.runcDo("kill", c.ID, "KILL")
	got := c.await(done)
	alive := c.Init.Liveness() == hooks.Alive
	wantReport(t, got, hooks.Report{Cause: hooks.CauseSignal, Signal: 9, Suspect: true})
	if alive {
		t.Error("the init counted as alive after it had killed the hook")
	}
}

// tripwire calls before ahead of the one start it is made for, and hands out
// what was started.
type tripwire struct {
	Monitor
	before  func()
	started chan *exec.Cmd
}

func newTripwire(before func()) *tripwire {
	return &tripwire{Monitor: runc.Monitor, before: before, started: make(chan *exec.Cmd, 1)}
}

func (w *tripwire) Start(cmd *exec.Cmd) (chan runc.Exit, error) {
	w.before()
	exit, err := w.Monitor.Start(cmd)
	w.started <- cmd
	return exit, err
}
