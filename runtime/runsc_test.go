package runtime

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	runc "github.com/containerd/go-runc"
	"golang.org/x/sys/unix"
)

// runscHere runs gVisor's runsc where there is neither KVM nor a network for it.
const runscHere = `#!/bin/sh
exec %s --network=none --platform=ptrace "$@"
`

// runsc returns the path of gVisor's runsc, or skips the test.
func runsc(t *testing.T) string {
	t.Helper()
	program := filepath.Join(directory(t, "BOOKEND_TOOLS", ".cache/tools/bin"), "runsc")
	if _, err := os.Stat(program); err != nil {
		t.Skipf("needs runsc, which `make tools` installs: %v", err)
	}
	wrapper := filepath.Join(t.TempDir(), "runsc")
	must(t, os.WriteFile(wrapper+".new", fmt.Appendf(nil, runscHere, program), 0o755))
	must(t, exec.Command("cp", wrapper+".new", wrapper).Run()) // see writeRootfs
	return wrapper
}

// counting is a Monitor that counts joiners.
type counting struct {
	Monitor
	joiners atomic.Int32
}

func (m *counting) Start(cmd *exec.Cmd) (chan runc.Exit, error) {
	if cmd.Args[0] == joinerName {
		m.joiners.Add(1)
	}
	return m.Monitor.Start(cmd)
}

// The init of a container of gVisor's is its sandbox, on the host's kernel. A
// process that joined its namespaces would be outside of that.
func TestRunnerNeverJoinsASandbox(t *testing.T) {
	binary := runsc(t)
	binaries(t)
	c := startContainerOf(t, binary, nil)
	t.Cleanup(func() { // where runsc keeps a network namespace, for all its containers
		must(t, unix.Unmount(filepath.Join(c.RuncRoot, "null-netns"), 0))
	})
	m := &counting{Monitor: runc.Monitor}
	c.executor.monitor = m
	told := choosing(c)
	for range 2 {
		got := c.hook("sh", "-c", "cat /proc/version; exit 7")
		if got.Runner != ByRuntime || !strings.Contains(got.RunnerReason, "runsc") || got.ExitCode != 7 ||
			!strings.Contains(string(got.Stdout), "gvisor") {
			t.Errorf("got %+v: %s%s", got, got.Stdout, got.Stderr)
		}
	}
	if len(*told) != 2 || (*told)[0] != ByRuntime || m.joiners.Load() != 0 {
		t.Errorf("told %q, %d joiners were started", *told, m.joiners.Load())
	}
}
