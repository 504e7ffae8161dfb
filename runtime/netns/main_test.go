package netns

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/proc"
)

// A test's container is this test binary again, in network and mount
// namespaces of its own and with a directory of the test as its root. It ends
// with its standard input, so also when the test is killed.
const (
	childRoot = "BOOKEND_TEST_CHILD_ROOT"
	childBind = "BOOKEND_TEST_CHILD_BIND" // file mounted over the root's etc/resolv.conf
)

func init() {
	if root := os.Getenv(childRoot); root != "" {
		if err := childMain(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

func childMain(root string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if bind := os.Getenv(childBind); bind != "" {
		if err := unix.Mount(bind, filepath.Join(root, resolvConfPath), "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	if err := unix.Chroot(root); err != nil {
		return err
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// netnsChild is what a test sees of one.
type netnsChild struct {
	pid  int
	init proc.Process
	root string
	net  *Network
	kill func() // and reap
}

// startInNetns starts a container whose root holds files; env is added to
// the child's.
func startInNetns(t *testing.T, flags uintptr, files map[string]string, env ...string) *netnsChild {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	c := &netnsChild{root: t.TempDir()}
	for name, content := range files {
		path := filepath.Join(c.root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = slices.Concat(env, []string{childRoot + "=" + c.root})
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | flags}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.pid = cmd.Process.Pid
	c.kill = func() { _ = cmd.Process.Kill(); stdin.Close(); _ = cmd.Wait() }
	t.Cleanup(func() { c.kill() })
	if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
		t.Fatalf("child: %v", err)
	}
	if c.init, err = proc.Find(c.pid); err != nil {
		t.Fatal(err)
	}
	c.net, err = Open(c.init)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.net.Close() })
	return c
}

// ip runs ip(8) inside the container's network namespace.
func (c *netnsChild) ip(t *testing.T, args string) {
	t.Helper()
	argv := append([]string{fmt.Sprintf("--net=/proc/%d/ns/net", c.pid), "ip"}, strings.Fields(args)...)
	if out, err := exec.Command("nsenter", argv...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// inside runs f on a thread in the child's network namespace. It does not use
// what is tested. The thread goes back: were it thrown away and the process'
// first one, all of /proc/self would be that of the child's namespace.
func (c *netnsChild) inside(t *testing.T, f func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- enterAndReturn(fmt.Sprintf("/proc/%d/ns/net", c.pid), f)
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func enterAndReturn(path string, f func() error) error {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	ns, err := os.Open(path)
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return back
	}
	runtime.UnlockOSThread()
	return err
}

// listen returns a listener inside the container.
func (c *netnsChild) listen(t *testing.T, address string) net.Listener {
	t.Helper()
	var l net.Listener
	c.inside(t, func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	t.Cleanup(func() { l.Close() })
	return l
}

// greet answers every connection of l with what.
func greet(l net.Listener, what string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, what)
		conn.Close()
	}
}

// expectThreadsHome fails the test if a thread of this process is not in the
// process' own network namespace. Threads that end meanwhile don't count.
func expectThreadsHome(t *testing.T) {
	t.Helper()
	home, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	links, err := filepath.Glob("/proc/self/task/*/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if ns, err := os.Readlink(link); err == nil && ns != home {
			t.Errorf("%s is %s, not %s", link, ns, home)
		}
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
