package matrix

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func namespaces() []configuration {
	all := []configuration{
		of("cgroup namespace", func(s *specs.Spec) { addNamespace(s, specs.CgroupNamespace) }),
		of("host name", func(s *specs.Spec) { s.Hostname = "elsewhere" }),
		of("time namespace", func(s *specs.Spec) {
			addNamespace(s, specs.TimeNamespace)
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 1000}, "monotonic": {Secs: 500}}
		}),
		{name: "namespaces of another", edit: joinAnother},
		of("all of the host's", func(s *specs.Spec) {
			s.Linux.Namespaces = []specs.LinuxNamespace{{Type: specs.MountNamespace}}
		}),
	}
	for _, kind := range []specs.LinuxNamespaceType{
		specs.PIDNamespace, specs.NetworkNamespace, specs.IPCNamespace, specs.UTSNamespace,
	} {
		all = append(all, of(fmt.Sprintf("host's %s namespace", kind), func(s *specs.Spec) {
			s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
				return n.Type == kind
			})
		}))
	}
	return all
}

func addNamespace(s *specs.Spec, kind specs.LinuxNamespaceType) {
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: kind})
}

// joinAnother has the container share what the containers of a pod do.
func joinAnother(t *testing.T, c *container) {
	other := hold(t, &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
	})
	for i := range c.spec.Linux.Namespaces {
		n := &c.spec.Linux.Namespaces[i]
		if n.Type == specs.MountNamespace {
			continue
		}
		file := map[specs.LinuxNamespaceType]string{specs.NetworkNamespace: "net"}[n.Type]
		if file == "" {
			file = string(n.Type)
		}
		n.Path = fmt.Sprintf("/proc/%d/ns/%s", other, file)
	}
}

// hold starts a process that does nothing, in namespaces of its own.
func hold(t *testing.T, attr *syscall.SysProcAttr) (pid int) {
	cmd := exec.Command(probe, "wait")
	cmd.SysProcAttr = attr
	must(t, cmd.Start())
	t.Cleanup(func() {
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

// The ids of a container in a user namespace.
const firstID, ids = 100000, 65536

func userNamespaces() []configuration {
	mapped := func(s *specs.Spec) {
		addNamespace(s, specs.UserNamespace)
		s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: firstID, Size: ids}}
		s.Linux.GIDMappings = s.Linux.UIDMappings
	}
	owned := func(uid uint32) func(*testing.T, *container) {
		return func(t *testing.T, c *container) {
			mapped(c.spec)
			c.spec.Process.User = specs.User{UID: uid, GID: uid, AdditionalGids: []uint32{50}}
			chownRootfs(t, c)
		}
	}
	return []configuration{
		{name: "user namespace", edit: owned(0)},
		{name: "user namespace as user", edit: owned(1234)},
		{name: "user namespace with idmapped root", edit: func(t *testing.T, c *container) {
			mapped(c.spec)
			idmapRootfs(t, c)
		}},
	}
}

func chownRootfs(t *testing.T, c *container) {
	must(t, filepath.WalkDir(filepath.Join(c.bundle, "rootfs"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, firstID, firstID)
	}))
}

// idmapRootfs makes the container's root a mount whose ids are mapped, as
// containerd does for a pod in a user namespace.
func idmapRootfs(t *testing.T, c *container) {
	maps := []syscall.SysProcIDMap{{ContainerID: 0, HostID: firstID, Size: ids}}
	holder := hold(t, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: maps, GidMappings: maps})
	users, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", holder))
	must(t, err)
	defer users.Close()
	tree, err := unix.OpenTree(unix.AT_FDCWD, filepath.Join(c.bundle, "rootfs"), unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	must(t, err)
	defer unix.Close(tree)
	must(t, unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &unix.MountAttr{
		Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(users.Fd()),
	}))
	root := filepath.Join(c.bundle, "idmapped")
	must(t, os.Mkdir(root, 0o755))
	must(t, unix.MoveMount(tree, "", unix.AT_FDCWD, root, unix.MOVE_MOUNT_F_EMPTY_PATH))
	t.Cleanup(func() { must(t, unix.Unmount(root, unix.MNT_DETACH)) })
	c.spec.Root.Path = root
}
