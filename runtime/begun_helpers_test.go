package runtime

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/log"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// needsJoiner skips a test of what the runtime's own exec cannot do.
func needsJoiner(t *testing.T) {
	t.Helper()
	if os.Getenv("BOOKEND_TEST_RUNNER") == ByRuntime {
		t.Skip("no hook begins early through the runtime's own exec, which BOOKEND_TEST_RUNNER asks for")
	}
}

// createForBegun is createContainer for a test of a hook that begins early.
func createForBegun(t *testing.T, edit func(*specs.Spec)) *testContainer {
	t.Helper()
	needsJoiner(t)
	return createContainer(t, edit)
}

// begin begins spec and waits until that has come to something. What is left of
// it goes with the test.
func (c *testContainer) begin(spec *hooks.Exec) *Begun {
	c.Helper()
	b := c.executor.Begin(c.Context(), c.Container, spec, nil)
	c.Cleanup(func() { b.Discard(context.Background()) })
	<-b.ready
	return b
}

// beginToGate begins spec and waits until its process is at the gate.
func (c *testContainer) beginToGate(spec *hooks.Exec) *Begun {
	c.Helper()
	b := c.begin(spec)
	must(c, b.err)
	<-b.run.started
	eventually(c, "the process at the gate", func() bool { return atGate(b.run.pid) })
	return b
}

// atGate tells whether a process waits for the gate's byte, in read(2).
func atGate(pid int) bool {
	const gate = 4 // START_FD of the joiner
	doing, _ := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
	return strings.HasPrefix(string(doing), fmt.Sprintf("%d %#x ", unix.SYS_READ, gate))
}

// joiners lists the pids of the processes that are to become hooks of the
// container. Those that have exited are not there any more.
func (c *testContainer) joiners() (found []int) {
	names, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, name := range names {
		comm, _ := os.ReadFile(name)
		cgroup, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cgroup"))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if string(comm) == joinerName+"\n" && strings.Contains(string(cgroup), c.ID) && !dead(pid) {
			found = append(found, pid)
		}
	}
	return found
}

// wantNothingLeft checks that neither processes nor cgroups of a hook are in the
// container, and waits for the exit of the joiner, with its last word out.
func (c *testContainer) wantNothingLeft(b *Begun) {
	c.Helper()
	if left := c.joiners(); len(left) != 0 {
		c.Errorf("processes left: %v", left)
	}
	if left := c.hookCgroups(); len(left) != 0 {
		c.Errorf("cgroups left: %v", left)
	}
	if b.err == nil {
		select {
		case <-b.run.reaped:
		case <-time.After(attackBound):
			c.Error("the joiner is left")
		}
	}
}

// diary is a context whose log can be read, debugging included.
type diary struct {
	context.Context
	mu  sync.Mutex
	buf bytes.Buffer
}

func newDiary(ctx context.Context) *diary {
	d := &diary{}
	logger := logrus.New()
	logger.SetLevel(logrus.DebugLevel)
	logger.SetOutput(d)
	d.Context = log.WithLogger(ctx, logrus.NewEntry(logger))
	return d
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.buf.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.buf.String()
}

const fellBack = "did not begin beside the start"

// runBegun runs what has begun, and checks that it did not fall back; or that it
// did, for the reason why, if that is not empty.
func (c *testContainer) runBegun(b *Begun, why string) hooks.Report {
	c.Helper()
	d := newDiary(c.Context())
	report := b.Run(d)
	said := d.String()
	if n := strings.Count(said, fellBack); why == "" && n != 0 || why != "" && (n != 1 || !strings.Contains(said, why)) {
		c.Errorf("log says %q; want the fallback once for the reason %q", said, why)
	}
	return report
}
