package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"golang.org/x/sys/unix"
)

// The tests in this file are about shims that the kernel kills for lack of memory.

// shortOfMemory is a cgroup with less memory than a shim needs for a call.
type shortOfMemory struct {
	dir    string
	events string // the file that counts kills
}

const tooLittle = "65536"

// newShortOfMemory makes one beside those of the daemon's containers.
func newShortOfMemory(t *testing.T, d *harness.Daemon) shortOfMemory {
	t.Helper()
	name := d.Name() + "-" + harness.NewID("oom")
	c, limit := shortOfMemory{filepath.Join(harness.CgroupRoot, "memory", name), "memory.oom_control"}, "memory.limit_in_bytes"
	var st unix.Statfs_t
	if err := unix.Statfs(harness.CgroupRoot, &st); err != nil {
		t.Fatal(err)
	}
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		c, limit = shortOfMemory{filepath.Join(harness.CgroupRoot, name), "memory.events"}, "memory.max"
	}
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, func(ctx context.Context) error {
		return harness.Poll(ctx, harness.EndTimeout, "the cgroup to be empty", func() error { return os.Remove(c.dir) })
	})
	if err := os.WriteFile(filepath.Join(c.dir, limit), []byte(tooLittle), 0); err != nil {
		t.Fatal(err)
	}
	return c
}

var oomKills = regexp.MustCompile(`(?m)^oom_kill ([1-9].*)$`)

// kill has the kernel kill a shim there, which asks for memory at each call.
func (c shortOfMemory) kill(t *testing.T, d *harness.Daemon, namespace, id string) {
	t.Helper()
	shim, err := d.Shim(t.Context(), namespace, id)
	if err != nil {
		t.Fatal(err)
	}
	defer shim.Close()
	p, err := harness.ReadProcess(shimPID(t, d, id))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "cgroup.procs"), []byte(fmt.Sprint(p.PID)), 0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(shim.Context(t.Context()), harness.AtOnce)
	defer cancel()
	err = harness.Poll(ctx, harness.AtOnce, "the shim to be killed", func() error {
		if !p.Alive() {
			return nil
		}
		_, err := shim.State(ctx, &taskapi.StateRequest{ID: strings.Repeat("x", 1<<20)})
		return errors.Join(errors.New("it lives"), err)
	})
	if err != nil {
		t.Fatal(err)
	}
	if said, err := os.ReadFile(filepath.Join(c.dir, c.events)); err != nil || !oomKills.Match(said) {
		t.Fatalf("the shim did not die for lack of memory: %s, %v", said, err)
	}
}

func TestShimDeathForLackOfMemoryLeavesNothing(t *testing.T) {
	d := shared.Daemon(t)
	memory := newShortOfMemory(t, d)
	t.Run("during postStart", func(t *testing.T) {
		h := harness.CreateTask(t, d, waitingBoth)
		reply := h.Begin(t.Context())
		h.Await("main", "post")
		memory.kill(t, d, harness.TaskNamespace, h.ID)
		if err := wantReply(t, reply); err == nil {
			t.Error("Start succeeded though its shim was killed")
		}
		wantTaskGone(t, h, "postStart Unknown")
	})
	t.Run("between hooks", func(t *testing.T) {
		h := harness.RunTask(t, d, noted)
		memory.kill(t, d, harness.TaskNamespace, h.ID)
		wantTaskGone(t, h, "postStart Succeeded")
		h.WantTrace("post")
	})
	t.Run("during preStop", func(t *testing.T) {
		pod := newDyingPod(t, d)
		memory.kill(t, d, harness.CRINamespace, pod.ID)
		pod.wantGone(t)
		pod.wantExited(t)
	})
}
