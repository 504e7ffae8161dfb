package kube

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// isolatedVariable has the id of the process that is in its own namespaces.
const isolatedVariable = "BOOKEND_KUBE_ISOLATED"

func isolated() bool { return os.Getenv(isolatedVariable) == strconv.Itoa(os.Getpid()) }

// Isolate moves the calling program into a network and a mount namespace of its own
// by executing it again, in the same process. The second time it prepares these and
// returns. To be called first of all.
func Isolate() error {
	if isolated() {
		return prepare()
	}
	runtime.LockOSThread() // execve keeps the namespaces of the thread that calls it
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make all mounts private: %w", err)
	}
	env := append(os.Environ(), isolatedVariable+"="+strconv.Itoa(os.Getpid()))
	return fmt.Errorf("execute this program again: %w", unix.Exec("/proc/self/exe", os.Args, env))
}

func prepare() error {
	if err := prepareNetwork(); err != nil {
		return err
	}
	for _, dir := range []string{"/var/lib", "/var/log"} {
		if err := privateDir(dir); err != nil {
			return err
		}
	}
	return hideTunables()
}

// NodeIP is the node's address. It is one of those for documentation: a kubelet
// refuses those of loopback.
const NodeIP = "192.0.2.1"

// serviceCIDR has the addresses of services. Those of pods are in 10.128.0.0/9.
const serviceCIDR = "10.96.0.0/16"

// prepareNetwork makes lo the node's one link. Its route to services is for the
// node's own processes: a packet without a route never gets to the rules of
// kube-proxy.
func prepareNetwork() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("look up lo: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("set up lo: %w", err)
	}
	node, err := netlink.ParseAddr(NodeIP + "/32")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(lo, node); err != nil {
		return fmt.Errorf("add %s to lo: %w", NodeIP, err)
	}
	services, err := netlink.ParseIPNet(serviceCIDR)
	if err != nil {
		return err
	}
	route := &netlink.Route{LinkIndex: lo.Attrs().Index, Dst: services, Src: node.IP, Scope: netlink.SCOPE_LINK}
	if err := netlink.RouteAdd(route); err != nil {
		return fmt.Errorf("add a route to %s: %w", serviceCIDR, err)
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600)
}

// privateDir covers a directory in which programs of Kubernetes have paths that no
// option changes. Volumes that a container shares with the node need the mount to be
// shared.
func privateDir(dir string) error {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount a tmpfs on %s: %w", dir, err)
	}
	if err := unix.Mount("", dir, "", unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share the mount %s: %w", dir, err)
	}
	return nil
}

// tunables are the settings of the kernel that a kubelet changes where they differ,
// for the whole machine.
var tunables = map[string]string{
	"kernel/keys/root_maxbytes": "25000000",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
}

// hideTunables shows the kubelet what it wants to see. The kernel mounts a proc in a
// user namespace only where another one is visible as a whole: there is one for that.
func hideTunables() error {
	whole := filepath.Join(stateDir, "proc")
	if err := os.MkdirAll(whole, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("proc", whole, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount a whole proc: %w", err)
	}
	for name, value := range tunables {
		shown := filepath.Join(stateDir, filepath.Base(name))
		if err := os.WriteFile(shown, []byte(value+"\n"), 0o400); err != nil {
			return err
		}
		if err := unix.Mount(shown, filepath.Join("/proc/sys", name), "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("hide %s: %w", name, err)
		}
	}
	return nil
}
