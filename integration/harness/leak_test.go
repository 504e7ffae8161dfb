package harness

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// leakLimit is how long these tests give a leak to go that will not.
const leakLimit = 100 * time.Millisecond

func TestLeakCheckFindsWhatIsLeft(t *testing.T) {
	d := shared.Daemon(t)
	d.TestPod(t, PodOptions{Handler: Runc}) // makes the bridge
	for name, leave := range map[string]func(*testing.T, *Daemon) (words string){
		"process":            leaveProcess,
		"process in cgroup":  leaveProcessInCgroup,
		"zombie":             leaveZombie,
		"mount":              leaveMount,
		"network namespace":  leaveNetns,
		"link on the bridge": leaveLink,
		"cgroup":             leaveCgroup,
		"socket":             leaveSocket,
		"file in a bundle":   leaveFile,
	} {
		t.Run(name, func(t *testing.T) {
			before, err := d.Inventory()
			if err != nil {
				t.Fatal(err)
			}
			if err := d.checkLeaks(t.Context(), before, leakLimit); err != nil {
				t.Fatalf("before anything was left: %v", err)
			}
			words := leave(t, d)
			err = d.checkLeaks(t.Context(), before, leakLimit)
			if !errors.Is(err, ErrLeak) || !strings.Contains(err.Error(), words) {
				t.Errorf("got %v; want a leak that names %q", err, words)
			}
		})
	}
}

func leaveProcess(t *testing.T, d *Daemon) string {
	cmd := exec.Command("sleep", "1234")
	cmd.Env = []string{d.Mark()}
	start(t, cmd)
	return "sleep 1234"
}

func leaveProcessInCgroup(t *testing.T, d *Daemon) string {
	leaveCgroup(t, d)
	cmd := exec.Command("sleep", "2345")
	start(t, cmd)
	dirs, err := cgroupDirs(d.Cgroup() + "/left")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("cgroups: %v, %v", dirs, err)
	}
	pid := []byte(itoa(cmd.Process.Pid))
	if err := os.WriteFile(filepath.Join(dirs[0], "cgroup.procs"), pid, 0); err != nil {
		t.Fatal(err)
	}
	return "sleep 2345"
}

// leaveZombie leaves the child of a process of the daemon's that does not reap.
func leaveZombie(t *testing.T, d *Daemon) string {
	cmd := exec.Command("sh", "-c", "sleep 0 & exec sleep 3456")
	cmd.Env = []string{d.Mark(), "PATH=" + os.Getenv("PATH")}
	start(t, cmd)
	return "zombie of " + itoa(cmd.Process.Pid)
}

func leaveMount(t *testing.T, d *Daemon) string {
	dir := filepath.Join(d.Dir, "left")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeAll(t, dir) })
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unmount(t, dir) })
	return "mount " + dir
}

func leaveNetns(t *testing.T, d *Daemon) string {
	path := filepath.Join(d.Dir, "state", "io.containerd.grpc.v1.cri", "netns", "left")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeAll(t, path) })
	if err := unix.Mount("/proc/self/ns/net", path, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unmount(t, path) })
	return "mount " + path
}

func leaveLink(t *testing.T, d *Daemon) string {
	bridge, err := netlink.LinkByName(d.net.name)
	if err != nil {
		t.Fatal(err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex = "left"+d.Name()[3:10], bridge.Attrs().Index
	link := &netlink.Veth{LinkAttrs: attrs, PeerName: "peer" + d.Name()[3:10]}
	if err := netlink.LinkAdd(link); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := netlink.LinkDel(link); err != nil {
			t.Error(err)
		}
	})
	return "link " + attrs.Name
}

func leaveCgroup(t *testing.T, d *Daemon) string {
	parents, err := cgroupDirs(d.Cgroup())
	if err != nil || len(parents) == 0 {
		t.Fatalf("cgroups: %v, %v", parents, err)
	}
	dir := filepath.Join(parents[0], "left")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Poll(cleanupContext(t), EndTimeout, "an empty cgroup", func() error { return os.Remove(dir) }); err != nil {
			t.Error(err)
		}
	})
	return "cgroup " + dir
}

func leaveSocket(t *testing.T, d *Daemon) string {
	path := filepath.Join(d.Dir, "s", "left")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return "socket " + path
}

func leaveFile(t *testing.T, d *Daemon) string {
	dir := d.Bundle(TaskNamespace, "left")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeAll(t, dir) })
	return "file " + dir
}
