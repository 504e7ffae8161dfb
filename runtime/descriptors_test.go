package runtime

import (
	"os"
	"os/exec"
	"testing"

	runc "github.com/containerd/go-runc"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// Hooks run whatever the numbers of a shim's descriptors are.
func TestHooksWithAnyNumberOfDescriptorsOpen(t *testing.T) {
	again(t, "^TestAgainWithManyDescriptors$", 1, nil, "ulimit -n 1024")
}

// roomBelow is a Monitor that starts programs when there are descriptors free
// with lower numbers than theirs. The pipe by which the Go runtime learns whether
// a program was executed gets one, and in the child, which must have it out of
// the way, the one that follows the program's.
type roomBelow struct {
	Monitor
	t    *testing.T
	null *os.File
	held []int
}

// hold takes two descriptors, the lowest that are free.
func (m *roomBelow) hold() {
	for range 2 {
		m.held = append(m.held, duplicate(m.t, m.null))
	}
}

func (m *roomBelow) release() {
	for _, fd := range m.held {
		must(m.t, unix.Close(fd))
	}
	m.held = nil
}

func (m *roomBelow) Start(cmd *exec.Cmd) (chan runc.Exit, error) {
	m.release()
	defer m.hold()
	return m.Monitor.Start(cmd)
}

func duplicate(t *testing.T, f *os.File) int {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	must(t, err)
	return fd
}

func TestAgainWithManyDescriptors(t *testing.T) {
	inAgain(t)
	c := startContainer(t, nil)
	null, err := os.Open(os.DevNull)
	must(t, err)
	defer null.Close()
	m := &roomBelow{Monitor: runc.Monitor, t: t, null: null}
	m.hold()
	defer m.release()
	c.executor.monitor = m
	wantReport(t, c.hook("true"), hooks.Report{}) // which opens what stays open
	for n := 180; n <= 300; n++ {
		for fd := 0; fd < n; {
			fd = duplicate(t, null)
			defer unix.Close(fd)
		}
		if got := c.hook("sh", "-c", "cd /proc/self/fd; echo *"); got.Cause != "" || string(got.Stdout) != "0 1 2 3\n" {
			t.Errorf("with %d open: %+v", n, got)
		}
	}
}
