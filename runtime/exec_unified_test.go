package runtime

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/containerd/log"
	"github.com/sirupsen/logrus"

	"bookend.dev/bookend/hooks"
)

// startOnUnified is startContainer where runc uses cgroup v2.
func startOnUnified(t *testing.T) *testContainer {
	t.Helper()
	needUnified(t)
	return startContainer(t, nil)
}

func needUnified(t *testing.T) {
	t.Helper()
	if unified, err := unifiedMode(); err != nil || !unified {
		t.Skip("needs cgroup v2 on /sys/fs/cgroup")
	}
}

// figure reads a number that the container's own cgroup shows.
func (c *testContainer) figure(file string) int {
	c.Helper()
	data, err := os.ReadFile(filepath.Join(c.Cgroup.dir, file))
	must(c, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	must(c, err)
	return n
}

// set writes to a file of the container's own cgroup or one below it.
func (c *testContainer) set(file, value string) {
	c.Helper()
	must(c, os.WriteFile(filepath.Join(c.Cgroup.dir, file), []byte(value), 0))
}

// takes is a hook that takes 32 MiB in the container's /dev, and two processes
// beside its first, which leave its session.
const takes = `dd if=/dev/zero of=/dev/taken bs=1048576 count=32 2>/dev/null
setsid sleep 1001 & setsid sleep 1002 & touch /scratch/ready; exec sleep 1003`

// wantCharged runs takes and cancels it: what it takes is the container's, and
// nothing of it is left running.
func (c *testContainer) wantCharged() {
	c.Helper()
	// Until then runc is charged to the container.
	eventually(c, "the container's program", func() bool { return len(c.running("9000")) == 1 })
	memory, pids := c.figure("memory.current"), c.figure("pids.current")
	ctx, cancel := context.WithCancelCause(c.Context())
	done := c.start(ctx, c.handler(&hooks.Exec{Command: []string{"sh", "-c", takes}}))
	eventually(c, "all processes", func() bool { return len(c.running("100")) == 3 })
	// Less than all of it: what else is charged comes and goes.
	if grown := c.figure("memory.current") - memory; grown < 28<<20 {
		c.Errorf("the container's memory has grown by %d bytes, want the hook's 32 MiB", grown)
	}
	if grown := c.figure("pids.current") - pids; grown < 3 {
		c.Errorf("the container has %d processes more, want 3", grown)
	}
	cancel(errCut)
	c.await(done)
	if left := c.running("100"); len(left) != 0 || c.Init.Liveness() != hooks.Alive {
		c.Errorf("left: %v; init alive: %v", left, c.Init.Liveness() == hooks.Alive)
	}
	if left := c.hookCgroups(); len(left) != 0 {
		c.Errorf("cgroups left: %v", left)
	}
}

func TestExecIsChargedToItsContainerOnV2(t *testing.T) {
	startOnUnified(t).wantCharged()
}

// A container that divides its cgroup, as an inner systemd or dockerd does,
// has no process in it but below it: nothing could join it itself any more.
func TestExecInADividedCgroup(t *testing.T) {
	c := startOnUnified(t)
	must(t, os.Mkdir(filepath.Join(c.Cgroup.dir, "inner"), 0o755))
	eventually(t, "an empty cgroup", func() bool {
		data, err := os.ReadFile(filepath.Join(c.Cgroup.dir, "cgroup.procs"))
		must(t, err)
		for _, pid := range bytes.Fields(data) {
			c.set("inner/cgroup.procs", string(pid))
		}
		return len(data) == 0
	})
	c.set("cgroup.subtree_control", "+memory +pids")
	c.wantCharged()
}

// Where no cgroup can be made, the hook runs in the container's, and the log
// says what a cancellation then covers.
func TestExecWithoutRoomForACgroupOnV2(t *testing.T) {
	for name, narrow := range map[string]func(*testContainer){
		"threaded": func(c *testContainer) {
			must(c, os.Mkdir(filepath.Join(c.Cgroup.dir, "threads"), 0o755))
			c.set("threads/cgroup.type", "threaded")
		},
		"no descendants": func(c *testContainer) { c.set("cgroup.max.descendants", "0") },
	} {
		t.Run(name, func(t *testing.T) {
			c := startOnUnified(t)
			narrow(c)
			logger, logged := logrus.New(), new(bytes.Buffer)
			logger.SetOutput(logged)
			ctx, cancel := context.WithCancelCause(log.WithLogger(t.Context(), logrus.NewEntry(logger)))
			script := `cat /proc/self/cgroup >/scratch/cgroup; sleep 1001 & touch /scratch/ready; sleep 1002`
			done := c.start(ctx, c.handler(&hooks.Exec{Command: []string{"sh", "-c", script}}))
			eventually(t, "all processes", func() bool { return slices.Equal(c.running("100"), []string{"1001", "1002"}) })
			cancel(errCut)
			c.await(done)
			eventually(t, "the session's death", func() bool { return len(c.running("100")) == 0 })
			in, err := os.ReadFile(filepath.Join(c.rootfs, "scratch/cgroup"))
			must(t, err)
			if want := "0::/" + c.ID + "\n"; string(in) != want || len(c.hookCgroups()) != 0 {
				t.Errorf("the hook ran in %q, want %q; cgroups left: %v", in, want, c.hookCgroups())
			}
			if !strings.Contains(logged.String(), "only its session and what descends from it are killed") {
				t.Errorf("logged: %s", logged)
			}
			if c.Init.Liveness() != hooks.Alive {
				t.Error("the init died")
			}
		})
	}
}

// The kernel tells of every process that moves from one cgroup to another. A
// hook does not: nothing that it does is ever charged to the shim.
func TestExecIsBornInItsCgroupOnV2(t *testing.T) {
	c := startOnUnified(t)
	const tracing = "/sys/kernel/tracing"
	if _, err := os.Stat(filepath.Join(tracing, "trace")); err != nil {
		t.Skipf("needs tracefs: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(tracing, "events/cgroup/cgroup_attach_task/enable"), []byte("1"), 0))
	moves := func() []string {
		data, err := os.ReadFile(filepath.Join(tracing, "trace"))
		must(t, err)
		return slices.DeleteFunc(lines(data), func(line string) bool { return !strings.Contains(line, "dst_path=/"+c.ID) })
	}
	moved := exec.Command("sleep", "1000")
	must(t, moved.Start())
	defer moved.Wait()         //nolint:errcheck // it is killed
	defer moved.Process.Kill() //nolint:errcheck // it may have ended
	c.set("cgroup.procs", strconv.Itoa(moved.Process.Pid))
	known := moves()
	in, end := c.sleeper()
	end()
	if in == c.Cgroup.dir {
		t.Error("the hook ran in its container's own cgroup")
	}
	if hooks := moves()[len(known):]; len(hooks) != 0 || len(known) == 0 {
		t.Errorf("of the process that was moved %d moves were seen, of the hook\n%s", len(known), strings.Join(hooks, "\n"))
	}
}
