package integration

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// TestExecHookIsChargedToItsContainer lets a hook take memory and processes
// and looks for them where the container's own are counted.
func TestExecHookIsChargedToItsContainer(t *testing.T) {
	d := shared.Daemon(t)
	p := harness.CreateMain(t, d, `{"preStop":{"exec":`+shell(`dd if=/dev/zero of=/dev/shm/hook bs=1048576 count=48 2> /dev/null
for i in 1 2 3 4 5; do sleep 1000 & done
echo here > /fifo/pre; cat /fifo/pre-go; exit 0`)+`}}`, harness.Entrypoint)
	if err := p.Container.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Await("main")
	init := p.Init()
	memory, pids := memoryOf(t, p.Container), pidsOf(t, init)
	stopped := make(chan error, 1)
	go func() { stopped <- p.Container.Stop(t.Context(), harness.Patience) }()
	p.Await("pre")
	// Less than all of it: what else is charged comes and goes.
	if grown := memoryOf(t, p.Container) - memory; grown < 40<<20 {
		t.Errorf("the container's memory has grown by %d bytes, want the hook's 48 MiB", grown)
	}
	// The shell and five of sleep; the cat may not be there yet.
	if grown := pidsOf(t, init) - pids; grown < 6 {
		t.Errorf("the container has %d processes more, want the hook's 6 at least", grown)
	}
	p.Open("pre-go")
	if err := wantReply(t, stopped); err != nil {
		t.Error(err)
	}
}

// memoryOf is what the CRI tells the kubelet of a container's memory, in bytes.
func memoryOf(t *testing.T, c *harness.Container) int64 {
	t.Helper()
	stats, err := c.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int64(stats.GetMemory().GetUsageBytes().GetValue())
}

// pidsOf is the number of processes in the cgroup of an init.
func pidsOf(t *testing.T, init int) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(readFile(t, filepath.Join(cgroupDir(t, init), "pids.current"))))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// cgroupDir is the directory in which a container's processes are counted.
func cgroupDir(t *testing.T, init int) string {
	t.Helper()
	hierarchy := "pids"
	if _, v1 := cgroupsOf(t, init)[hierarchy]; !v1 {
		hierarchy = ""
	}
	return filepath.Join(harness.CgroupRoot, hierarchy, cgroupsOf(t, init)[hierarchy])
}
