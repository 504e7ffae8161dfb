package matrix

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// container is one that runs, with an init that does nothing.
type container struct {
	testing.TB
	containerRuntime
	id     string
	bundle string
	pid    int
	spec   *specs.Spec
}

// startContainer makes a container from a configuration, or skips the test where
// the runtime can't.
func startContainer(t *testing.T, r containerRuntime, config configuration) *container {
	t.Helper()
	// Not t.TempDir: a container's root in a user namespace must reach it.
	dir, err := os.MkdirTemp("", "matrix-")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.Chmod(dir, 0o755))
	c := &container{TB: t, containerRuntime: r, id: filepath.Base(dir), bundle: dir}
	c.writeRootfs()
	c.spec = plainSpec(c.id)
	config.edit(t, c)
	data, err := json.Marshal(c.spec)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644))
	c.start()
	return c
}

// command is a call of the runtime.
func (c *container) command(args ...string) *exec.Cmd {
	return exec.Command(c.path, append([]string{"--root", c.root(), "--log", c.log()}, args...)...)
}

func (c *container) root() string { return filepath.Join(c.bundle, "state") }
func (c *container) log() string  { return filepath.Join(c.bundle, "runtime.log") }

// said is what the runtime has logged.
func (c *container) said() string {
	data, _ := os.ReadFile(c.log())
	return string(data)
}

func (c *container) start() {
	c.Helper()
	c.Cleanup(func() {
		if out, err := c.command("delete", "--force", c.id).CombinedOutput(); err != nil && c.pid != 0 {
			c.Errorf("delete: %v: %s", err, out)
		}
	})
	pidFile := filepath.Join(c.bundle, "pid")
	// Without pipes, which the init would keep open.
	if err := c.command("run", "--detach", "--bundle", c.bundle, "--pid-file", pidFile, c.id).Run(); err != nil {
		c.Skipf("%s makes no such container: %v: %s", c.name, err, c.said())
	}
	data, err := os.ReadFile(pidFile)
	must(c, err)
	c.pid, err = strconv.Atoi(string(data))
	must(c, err)
}

func (c *container) writeRootfs() {
	c.Helper()
	rootfs := filepath.Join(c.bundle, "rootfs")
	for _, dir := range []string{"bin", "etc", "proc", "dev", "work", "sys"} {
		must(c, os.MkdirAll(filepath.Join(rootfs, dir), 0o755))
	}
	must(c, exec.Command("cp", probe, filepath.Join(rootfs, "bin/probe")).Run())
	must(c, os.WriteFile(filepath.Join(rootfs, "etc/passwd"),
		[]byte("root:x:0:0::/root:/bin/sh\nana:x:1234:2345::/home/ana:/bin/sh\n"), 0o644))
	must(c, os.WriteFile(filepath.Join(rootfs, "etc/group"),
		[]byte("root:x:0:\nana:x:2345:\nstaff:x:50:ana\n"), 0o644))
}

func plainSpec(id string) *specs.Spec {
	caps := []string{"CAP_KILL", "CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_NET_BIND_SERVICE"}
	return &specs.Spec{
		Version: "1.0.2", // the newest that an old crun knows
		Root:    &specs.Root{Path: "rootfs"},
		Process: &specs.Process{
			Args:         []string{"/bin/probe", "wait"},
			Env:          []string{"PATH=/bin", "COLOUR=blue"},
			Cwd:          "/",
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
		},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755"}},
		},
		Linux: &specs.Linux{
			CgroupsPath: "/" + id,
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
				{Type: specs.MountNamespace}, {Type: specs.NetworkNamespace},
			},
		},
	}
}
