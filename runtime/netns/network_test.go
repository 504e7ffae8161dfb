package netns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/proc"
)

// pollUntil polls until ok, for at most ten seconds.
func pollUntil(ok func() bool) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if ok() {
			return true
		}
	}
	return false
}

// read dials address from inside and returns what it is greeted with.
func (c *netnsChild) read(ctx context.Context, address string) (string, error) {
	conn, err := c.net.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	got, err := io.ReadAll(conn)
	return string(got), err
}

// hostTrap listens on the host's own loopback, both families, and fails the
// test when anything connects. It returns its port.
func hostTrap(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Error("the host's loopback was reached")
			conn.Close()
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().(*net.TCPAddr).Port
}

func TestDialNeverReachesTheHost(t *testing.T) {
	port := hostTrap(t)
	c := startInNetns(t, unix.CLONE_NEWNET, map[string]string{"etc/hosts": "127.0.0.1 evil\n"})
	c.ip(t, "link set lo up")
	for _, host := range []string{"127.0.0.1", "localhost", "evil", "0.0.0.0", "::", "::ffff:127.0.0.1", "127.0.0.2"} {
		_, err := c.read(t.Context(), net.JoinHostPort(host, fmt.Sprint(port)))
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v", host, err)
		}
	}
	l := c.listen(t, fmt.Sprintf("127.0.0.1:%d", port))
	go greet(l, "inside")
	for _, host := range []string{"127.0.0.1", "localhost", "evil"} {
		if got, err := c.read(t.Context(), net.JoinHostPort(host, fmt.Sprint(port))); err != nil || got != "inside" {
			t.Errorf("%s: %q, %v", host, got, err)
		}
	}
	expectThreadsHome(t)
}

func TestDialIPv6AndAddresses(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, nil)
	c.ip(t, "link set lo up")
	l := c.listen(t, "[::1]:0")
	go greet(l, "six")
	got, err := c.read(t.Context(), l.Addr().String())
	if err != nil || got != "six" {
		t.Fatalf("%q, %v", got, err)
	}
	conn, err := c.net.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conn.RemoteAddr().String() != l.Addr().String() {
		t.Errorf("remote address %v, want %v", conn.RemoteAddr(), l.Addr())
	}
}

func TestDialManyAtOnce(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, nil)
	c.ip(t, "link set lo up")
	l := c.listen(t, "127.0.0.1:0")
	go greet(l, "hello")
	port := hostTrap(t)
	// Without collections no finalizer closes what was left open.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	before := openDescriptors(t)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if got, err := c.read(t.Context(), l.Addr().String()); err != nil || got != "hello" {
				t.Errorf("%q, %v", got, err)
			}
			if _, err := c.read(t.Context(), fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
				t.Error("connected to a port nobody listens on")
			}
		})
	}
	wg.Wait()
	expectThreadsHome(t)
	if !pollUntil(func() bool { return openDescriptors(t) <= before }) {
		t.Errorf("%d descriptors open, %d before", openDescriptors(t), before)
	}
}

// A peer that never answers: a neighbour that does not exist, behind a link
// that takes everything.
func TestDialIsCancelled(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, nil)
	c.silentLink(t)
	before := openDescriptors(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("init exited")
	failed := make(chan error)
	go func() {
		_, err := c.read(ctx, "198.51.100.2:80")
		failed <- err
	}()
	if !pollUntil(func() bool { return openDescriptors(t) > before }) {
		t.Fatal("nothing is being dialled")
	}
	cancel(why)
	if err := <-failed; !errors.Is(err, why) {
		t.Fatal(err)
	}
	if n := openDescriptors(t); n != before {
		t.Errorf("%d descriptors open, %d before", n, before)
	}
}

// silentLink gives the container 198.51.100.1/24 on a link without anybody,
// where 198.51.100.2 seems to have a hardware address.
func (c *netnsChild) silentLink(t *testing.T) {
	t.Helper()
	c.ip(t, "link set lo up")
	c.ip(t, "link add v0 type veth peer name v1")
	c.ip(t, "addr add 198.51.100.1/24 dev v0")
	c.ip(t, "link set v1 up")
	c.ip(t, "link set v0 up")
	c.ip(t, "neigh add 198.51.100.2 lladdr 02:00:00:00:00:02 dev v0")
}

func TestPodAddress(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, nil)
	expect := func(state, want string) {
		t.Helper()
		if got, err := c.net.PodAddress(); err != nil || got != netip.MustParseAddr(want) {
			t.Errorf("%s: %v, %v, want %s", state, got, err, want)
		}
	}
	expect("no interface up", "127.0.0.1")
	c.ip(t, "link set lo up")
	expect("loopback only", "127.0.0.1")
	c.ip(t, "link add v0 type veth peer name v1")
	c.ip(t, "addr add 10.9.0.1/24 dev v0")
	c.ip(t, "link set v0 up")
	c.ip(t, "link set v1 up")
	expect("no default route", "10.9.0.1")
	c.ip(t, "addr add 10.9.1.1/24 dev v1") // listed first
	expect("no default route, two addresses", "10.9.1.1")
	c.ip(t, "route add default via 10.9.0.254 dev v0 metric 5")
	expect("default route", "10.9.0.1")
	c.ip(t, "route add default via 10.9.1.254 dev v1 metric 6")
	expect("a worse default route", "10.9.0.1")
	c.ip(t, "route del default via 10.9.0.254 dev v0")
	expect("the better default route gone", "10.9.1.1")
	expectThreadsHome(t)
}

func TestPodAddressIPv6(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, nil)
	c.ip(t, "link add v0 type veth peer name v1")
	c.ip(t, "addr add fd00:9::1/64 dev v0 nodad")
	c.ip(t, "link set v0 up")
	c.ip(t, "link set v1 up")
	c.ip(t, "route add default via fd00:9::fe dev v0")
	if got, err := c.net.PodAddress(); err != nil || got != netip.MustParseAddr("fd00:9::1") {
		t.Fatalf("%v, %v", got, err)
	}
}

// A container in the host's network works like any other.
func TestHostNetwork(t *testing.T) {
	c := startInNetns(t, 0, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go greet(l, "host")
	if got, err := c.read(t.Context(), l.Addr().String()); err != nil || got != "host" {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := c.net.PodAddress(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenOfAnExitedInit(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, nil)
	c.kill()
	_, err := Open(c.init)
	if !errors.Is(err, hooks.ErrGone) {
		t.Fatal(err)
	}
	if r := hooks.NetworkFailure(err); r.Cause != hooks.CauseGone || !r.Suspect {
		t.Fatalf("%+v", r)
	}
	if _, err := c.init.OpenRoot(); !errors.Is(err, proc.ErrGone) {
		t.Fatal(err)
	}
}

// A pid that is another process' by now leads nowhere, least of all into that
// process' network.
func TestOpenOfAPidThatWasGivenAway(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, nil)
	c.init.Start--
	if _, err := Open(c.init); !errors.Is(err, hooks.ErrGone) {
		t.Errorf("network: %v", err)
	}
	if _, err := c.init.OpenRoot(); !errors.Is(err, proc.ErrGone) {
		t.Errorf("root: %v", err)
	}
}

// An exited init that nobody has reaped yet.
func TestOpenOfAZombie(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, nil)
	if err := unix.Kill(c.pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, c.pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(c.init); !errors.Is(err, hooks.ErrGone) {
		t.Fatal(err)
	}
}

func TestCloseAgain(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, nil)
	for range 2 {
		if err := c.net.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.read(t.Context(), "127.0.0.1:1"); err == nil || errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("dialled after Close: %v", err)
	}
	expectThreadsHome(t)
}

func TestWithinSurvivesAPanic(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, nil)
	if err := c.net.within(func() error { panic("oops") }); err == nil {
		t.Fatal("no error")
	}
	expectThreadsHome(t)
}

// Mounts of the container's own mount namespace are seen: resolv.conf is one.
func TestOpenRootSeesMounts(t *testing.T) {
	mounted := filepath.Join(t.TempDir(), "mounted")
	if err := os.WriteFile(mounted, []byte("mounted"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := startInNetns(t, unix.CLONE_NEWNET, map[string]string{"etc/resolv.conf": "underneath"}, childBind+"="+mounted)
	root, err := c.init.OpenRoot()
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	got, err := proc.ReadFileInRoot(root, resolvConfPath, 100)
	if err != nil || string(got) != "mounted" {
		t.Fatalf("%q, %v", got, err)
	}
}
