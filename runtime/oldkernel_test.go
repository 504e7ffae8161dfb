package runtime

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	runc "github.com/containerd/go-runc"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// refusing is a Monitor whose joiners run on a kernel without a system call. It
// counts them.
type refusing struct {
	Monitor
	call    uint32
	errno   unix.Errno
	joiners int
}

func (m *refusing) Start(cmd *exec.Cmd) (exit chan runc.Exit, err error) {
	if cmd.Args[0] != joinerName {
		return m.Monitor.Start(cmd)
	}
	m.joiners++
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with this
		if err = refuse(m.call, m.errno); err == nil {
			exit, err = m.Monitor.Start(cmd)
		}
	}()
	<-done
	return exit, err
}

// refuse has this thread, and what it starts, get an error from a system call.
func refuse(call uint32, errno unix.Errno) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

// onKernel starts a container, the joiners of whose hooks get an error from a
// system call.
func onKernel(t *testing.T, call uint32, errno unix.Errno) (*testContainer, *refusing) {
	t.Helper()
	c := startContainer(t, nil)
	m := &refusing{Monitor: runc.Monitor, call: call, errno: errno}
	c.executor.monitor = m
	return c, m
}

// Kernels that lack what the joiner cannot do without have the runtime's own
// exec run hooks, which are confined there as anywhere.
func TestHooksOnKernelsThatAreTooOld(t *testing.T) {
	for name, tc := range map[string]struct {
		call  uint32
		errno unix.Errno
		why   string
	}{
		"no pidfd_open, before 5.3":     {unix.SYS_PIDFD_OPEN, unix.ENOSYS, "the joiner: open init: function not implemented"},
		"no setns by pidfd, before 5.8": {unix.SYS_SETNS, unix.EINVAL, "the joiner: join namespaces: invalid argument"},
		"no close_range, before 5.9":    {unix.SYS_CLOSE_RANGE, unix.ENOSYS, "the joiner: read plan: function not implemented"},
	} {
		t.Run(name, func(t *testing.T) {
			c, m := onKernel(t, tc.call, tc.errno)
			c.wantRuntime(true, tc.why)
			if m.joiners == 0 || len(c.hookCgroups()) != 0 {
				t.Errorf("%d joiners were started; cgroups left: %v", m.joiners, c.hookCgroups())
			}
		})
	}
}

// What has a substitute is no reason not to join.
func TestHooksOnKernelsThatAreOldEnough(t *testing.T) {
	c, m := onKernel(t, unix.SYS_FACCESSAT2, unix.ENOSYS) // before 5.8
	c.wantJoined(m)
}

// inV2 has hooks run as on a machine that has nothing but cgroup v2.
func (c *testContainer) inV2() {
	c.Helper()
	for _, p := range c.Cgroup.memberships {
		if p.controllers == "" {
			c.Cgroup = &Cgroup{unified: true, dir: p.dir, memberships: []membership{p}}
			return
		}
	}
	c.Skip("needs cgroup v2, beside v1 at least")
}

// The child is moved that cannot be born in its cgroup. On v1 all are moved.
func TestHooksOnKernelsThatAreOldEnoughOnV2(t *testing.T) {
	for name, errno := range map[string]unix.Errno{
		"no clone3, before 5.3":             unix.ENOSYS,
		"no clone3 into cgroup, before 5.7": unix.E2BIG,
	} {
		t.Run(name, func(t *testing.T) {
			c, m := onKernel(t, unix.SYS_CLONE3, errno)
			c.inV2()
			c.wantJoined(m)
		})
	}
}

// wantJoined runs a hook, which must be by the joiner and in a cgroup of its own.
func (c *testContainer) wantJoined(m *refusing) {
	c.Helper()
	got := c.hook("sh", "-c", "cat /proc/self/cgroup; exit 7")
	if got.Runner != ByJoiner || got.ExitCode != 7 || !strings.Contains(string(got.Stdout), "/bookend-0\n") {
		c.Errorf("got %+v", got)
	}
	if got := c.hook("/scratch/plain"); got.Cause != hooks.CausePermission || got.Runner != ByJoiner {
		c.Errorf("a file that is no program: %+v", got)
	}
	if m.joiners != 2 {
		c.Errorf("%d joiners were started, want 2", m.joiners)
	}
}
