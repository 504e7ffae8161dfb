package runtime

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

func (c *testContainer) killGate() {
	c.Helper()
	pid, err := strconv.Atoi(c.gates()[0])
	must(c, err)
	must(c, syscall.Kill(pid, syscall.SIGKILL))
}

func (c *testContainer) wantNothingLeft() {
	c.Helper()
	eventually(c, "the end of the gate and its cgroup", func() bool { return len(c.gates()) == 0 && len(c.hookCgroups()) == 0 })
}

// eachPIDNamespace runs test with a container that has a pid namespace of its
// own, one that shares that of another container, as in a pod, and one that
// shares the host's.
func eachPIDNamespace(t *testing.T, test func(t *testing.T, c *testContainer)) {
	t.Run("own", func(t *testing.T) { test(t, createContainer(t, nil)) })
	t.Run("host", func(t *testing.T) { test(t, createContainer(t, withoutPIDNamespace)) })
	t.Run("shared", func(t *testing.T) {
		other := startContainer(t, nil)
		test(t, createAnother(t, func(s *specs.Spec) {
			i := slices.IndexFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.PIDNamespace })
			s.Linux.Namespaces[i].Path = "/proc/" + strconv.Itoa(other.Init.Pid) + "/ns/pid"
		}))
	})
}

func TestStagedDiscardedLeavesNothing(t *testing.T) {
	eachPIDNamespace(t, func(t *testing.T, c *testContainer) {
		s := c.stage(&hooks.Exec{Command: []string{"touch", "/scratch/ran"}})
		s.Discard(t.Context())
		s.Discard(t.Context())
		c.wantNothingLeft()
		if _, err := os.Stat(filepath.Join(c.rootfs, "scratch/ran")); err == nil || c.Init.Liveness() != hooks.Alive {
			t.Errorf("the command ran: %v; init alive: %v", err == nil, c.Init.Liveness() == hooks.Alive)
		}
		// Started after all, the container is whole.
		c.runcDo("start", c.ID)
		wantReport(t, c.hook("true"), hooks.Report{})
	})
}

// Deleted without having been started, the container goes as without a gate.
func TestStagedContainerIsDeleted(t *testing.T) {
	eachPIDNamespace(t, func(t *testing.T, c *testContainer) {
		s := c.stage(&hooks.Exec{Command: []string{"true"}})
		s.Discard(t.Context())
		c.runcDo("delete", "--force", c.ID)
		c.wantNothingLeft()
		if _, err := os.Stat(c.Cgroup.dir); !os.IsNotExist(err) {
			t.Errorf("cgroup: %v", err)
		}
	})
}

// Killed, or deleted by somebody of whom the shim knows nothing, the container
// takes the gate along.
func TestStagedContainerIsKilled(t *testing.T) {
	for _, how := range [][]string{{"kill", "ID", "KILL"}, {"delete", "ID"}, {"delete", "--force", "ID"}} {
		t.Run(how[0]+how[len(how)-2], func(t *testing.T) {
			eachPIDNamespace(t, func(t *testing.T, c *testContainer) {
				s := c.stage(&hooks.Exec{Command: []string{"true"}})
				args := slices.Clone(how)
				args[slices.Index(args, "ID")] = c.ID
				c.runcDo(args...)
				eventually(t, "the init's death", func() bool { return c.Init.Liveness() != hooks.Alive })
				s.Discard(t.Context()) // as at the init's exit
				c.wantNothingLeft()
			})
		})
	}
}

// Discarded, or cut, at any moment of its start, a staged hook leaves nothing.
func TestStagedEndedAtAnyMomentLeavesNothing(t *testing.T) {
	c := createContainer(t, nil)
	for i := range 40 {
		s := c.executor.Stage(t.Context(), nil, c.Container, &hooks.Exec{Command: []string{"sleep", "1001"}}, nil, nil)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(i)*time.Millisecond, errCut)
		if i%2 == 0 {
			<-ctx.Done()
			s.Discard(t.Context())
		} else if got := s.Run(ctx); got.Cause != hooks.CauseCancelled && got.Cause != hooks.CauseSignal {
			t.Errorf("after %d ms: %+v", i, got)
		}
		cancel()
		<-s.started
	}
	c.wantNothingLeft()
	eventually(t, "the end of all", func() bool { return len(c.running("1001")) == 0 })
}

func TestStagedCancelledDiesWithItsDaemonsAndNothingElse(t *testing.T) {
	c := createContainer(t, nil)
	s := c.stage(&hooks.Exec{Command: []string{"sh", "-c", daemons}})
	c.runcDo("start", c.ID)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := c.start(ctx, s)
	eventually(t, "all processes", func() bool { return len(c.running("100")) == 6 })
	cancel(errCut)
	if got := c.await(done); got.Cause != hooks.CauseCancelled || !errors.Is(got.Err, errCut) {
		t.Errorf("got %+v", got)
	}
	if left := c.running("100"); len(left) != 0 || len(c.hookCgroups()) != 0 || c.Init.Liveness() != hooks.Alive {
		t.Errorf("left: %v in %v; init alive: %v", left, c.hookCgroups(), c.Init.Liveness() == hooks.Alive)
	}
}

// The gate's other end dies with the shim, here without a word to anybody.
func TestStagedGateExitsWithTheShim(t *testing.T) {
	eachPIDNamespace(t, func(t *testing.T, c *testContainer) {
		s := c.stage(&hooks.Exec{Command: []string{"touch", "/scratch/ran"}})
		must(t, s.run.gate.Close())
		eventually(t, "the end of the gate", func() bool { return len(c.gates()) == 0 })
		if _, err := os.Stat(filepath.Join(c.rootfs, "scratch/ran")); err == nil {
			t.Error("the command ran")
		}
	})
}

// Killed itself, bookend-exec leaves a gate that the shim still ends.
func TestStagedGateEndsAfterBookendExec(t *testing.T) {
	c := createContainer(t, withoutPIDNamespace)
	s := c.stage(&hooks.Exec{Command: []string{"echo", "hello"}})
	must(t, s.run.cmd.Process.Kill())
	<-s.run.done
	c.runcDo("start", c.ID)
	d := newDiary(t.Context())
	wantReport(t, s.Run(d), hooks.Report{Stdout: []byte("hello\n")})
	c.wantNothingLeft()
}

// The container cannot write to the gate, nor look into it.
func TestStagedGateIsOutOfTheContainersReach(t *testing.T) {
	c := startContainer(t, nil)
	s := c.stage(&hooks.Exec{Command: []string{"true"}})
	gate := c.gates()[0]
	exe, err := os.Open("/proc/" + gate + "/exe")
	must(t, err)
	defer exe.Close()
	const all = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if seals, err := unix.FcntlInt(exe.Fd(), unix.F_GET_SEALS, 0); err != nil || seals&all != all {
		t.Errorf("the gate has seals %#x, %v", seals, err)
	}
	got := c.hook("sh", "-c", `
for p in /proc/[0-9]*; do
	grep -q bookend-gate $p/comm || continue
	echo found
	cat $p/exe >/dev/null && echo exe
	ls -l $p/fd | grep pipe && echo fd
	cat $p/environ && echo environ
done; true`)
	if string(got.Stdout) != "found\n" {
		t.Errorf("a process of the container sees %s (%s)", got.Stdout, got.Stderr)
	}
	wantReport(t, s.Run(t.Context()), hooks.Report{})
}

// A gate does not stand in the way of what clients do with their container.
func TestStagedContainerCanBeExecedPausedAndAsked(t *testing.T) {
	c := createContainer(t, nil)
	s := c.stage(&hooks.Exec{Command: []string{"echo", "hello"}})
	if out, err := exec.Command(c.runc, "--root", c.RuncRoot, "state", c.ID).CombinedOutput(); err != nil {
		t.Errorf("state: %v: %s", err, out)
	}
	c.runcDo("start", c.ID)
	c.runcDo("pause", c.ID)
	c.runcDo("resume", c.ID)
	if got := c.runcExec("echo", "exec"); got != "exec\n" {
		t.Errorf("exec: %q", got)
	}
	wantReport(t, s.Run(t.Context()), hooks.Report{Stdout: []byte("hello\n")})
}
