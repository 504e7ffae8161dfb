package runtime

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	runc "github.com/containerd/go-runc"
	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/hooks"
)

// testContainer is a container of busybox that a real runc runs.
type testContainer struct {
	testing.TB
	Container
	runc     string
	executor *Executor
	rootfs   string
}

// startContainer creates and starts a container whose init sleeps, with the
// spec as edit leaves it. It is deleted when the test ends.
func startContainer(t *testing.T, edit func(*specs.Spec)) *testContainer {
	t.Helper()
	runcPath, _ := binaries(t)
	return startContainerOf(t, runcPath, edit)
}

// startContainerOf is startContainer with another runtime.
func startContainerOf(t *testing.T, runcPath string, edit func(*specs.Spec)) *testContainer {
	t.Helper()
	c := createContainerOf(t, runcPath, edit)
	c.runcDo("start", c.ID)
	return c
}

// createContainer is startContainer without the start.
func createContainer(t *testing.T, edit func(*specs.Spec)) *testContainer {
	t.Helper()
	runcPath, _ := binaries(t)
	return createContainerOf(t, runcPath, edit)
}

func createContainerOf(t *testing.T, runcPath string, edit func(*specs.Spec)) *testContainer {
	t.Helper()
	t.Parallel() // runc is waited for most of the time
	return createAnotherOf(t, runcPath, edit)
}

// createAnother is createContainer for a test that has a container already, or for a
// benchmark.
func createAnother(t testing.TB, edit func(*specs.Spec)) *testContainer {
	t.Helper()
	runcPath, _ := binaries(t)
	return createAnotherOf(t, runcPath, edit)
}

func createAnotherOf(t testing.TB, runcPath string, edit func(*specs.Spec)) *testContainer {
	t.Helper()
	_, execPath := binaries(t)
	executor := OpenExecutor(execPath, runc.Monitor)
	t.Cleanup(func() { executor.Close() })
	// Not t.TempDir: a container's root in a user namespace must reach it.
	dir, err := os.MkdirTemp("", "bookend-test-")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.Chmod(dir, 0o755))
	c := &testContainer{TB: t, runc: runcPath, executor: executor, rootfs: filepath.Join(dir, "rootfs")}
	c.ID = filepath.Base(dir)
	c.Bundle, c.RuncRoot = dir, filepath.Join(dir, "state")
	c.Runner = runnerUnderTest(t, runcPath)
	writeRootfs(t, c.rootfs)
	spec := testSpec(c.ID)
	if edit != nil {
		edit(spec)
	}
	data, err := json.Marshal(spec)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644))
	c.create()
	return c
}

func (c *testContainer) create() {
	c.Helper()
	c.Cleanup(func() {
		if out, err := exec.Command(c.runc, "--root", c.RuncRoot, "delete", "--force", c.ID).CombinedOutput(); err != nil {
			c.Errorf("runc delete: %v: %s", err, out)
		}
		if c.Cgroup == nil { // it was not created
			return
		}
		if _, err := os.Stat(c.Cgroup.dir); !os.IsNotExist(err) {
			c.Errorf("cgroup %s is left: %v", c.Cgroup.dir, err)
		}
	})
	pidFile := filepath.Join(c.Bundle, "pid")
	c.runcDo("create", "--bundle", c.Bundle, "--pid-file", pidFile, c.ID)
	data, err := os.ReadFile(pidFile)
	must(c, err)
	pid, err := strconv.Atoi(string(data))
	must(c, err)
	c.Cgroup, err = c.executor.ReadCgroup(pid)
	must(c, err)
	c.Init, err = ReadInit(pid)
	must(c, err)
}

// runcDo runs runc with output to a file: what it starts keeps stdout open,
// and a pipe would be waited for.
func (c *testContainer) runcDo(args ...string) {
	c.Helper()
	logFile := filepath.Join(c.Bundle, "runc.log")
	cmd := exec.Command(c.runc, append([]string{"--root", c.RuncRoot, "--log", logFile}, args...)...)
	if err := cmd.Run(); err != nil {
		data, _ := os.ReadFile(logFile)
		c.Fatalf("runc %v: %v: %s", args, err, data)
	}
}

// runcExec returns the output of `runc exec` of the container's process with
// other arguments. Given as arguments too, crun would take nothing but root's
// identity from the container.
func (c *testContainer) runcExec(args ...string) string {
	c.Helper()
	out, err := c.runcExecCommand(args...).Output()
	must(c, err)
	return string(out)
}

func (c *testContainer) runcExecCommand(args ...string) *exec.Cmd {
	c.Helper()
	data, err := os.ReadFile(filepath.Join(c.Bundle, "config.json"))
	must(c, err)
	var spec specs.Spec
	must(c, json.Unmarshal(data, &spec))
	spec.Process.Args = args
	data, err = json.Marshal(spec.Process)
	must(c, err)
	file := filepath.Join(c.Bundle, "process.json")
	must(c, os.WriteFile(file, data, 0o600))
	return exec.Command(c.runc, "--root", c.RuncRoot, "exec", "--process", file, c.ID)
}

// awaitPlan waits until it is known how hooks get into the container.
func (c *testContainer) awaitPlan() {
	c.Helper()
	_, err := c.Runner.awaitPlan(c.Context(), c.executor, c.Container)
	must(c, err)
}

// hook runs a command as a hook to its end.
func (c *testContainer) hook(command ...string) hooks.Report {
	return c.handler(&hooks.Exec{Command: command}).Run(c.Context())
}

func (c *testContainer) handler(spec *hooks.Exec) hooks.Handler {
	return c.executor.Handler(c.Container, spec, nil)
}

// hookCgroups lists the cgroups of hooks that exist in the container's.
func (c *testContainer) hookCgroups() []string {
	found, err := filepath.Glob(filepath.Join(c.Cgroup.dir, "bookend-*"))
	must(c, err)
	return found
}

func writeRootfs(t testing.TB, rootfs string) {
	t.Helper()
	for _, dir := range []string{"bin", "etc", "proc", "dev", "scratch", "sys/fs/cgroup"} {
		must(t, os.MkdirAll(filepath.Join(rootfs, dir), 0o755))
	}
	must(t, os.Chmod(filepath.Join(rootfs, "scratch"), 0o777))
	// Not written by this process: a child forked meanwhile for another test
	// would hold it open for writing, and it could not be executed.
	must(t, exec.Command("cp", "/bin/busybox", filepath.Join(rootfs, "bin")).Run())
	for name, file := range map[string]struct {
		data string
		mode os.FileMode
	}{
		"etc/passwd":     {"root:x:0:0::/root:/bin/sh\nana:x:1234:2345::/home/ana:/bin/sh\n", 0o644},
		"etc/group":      {"root:x:0:\nana:x:2345:\nstaff:x:50:ana\n", 0o644},
		"scratch/plain":  {"not executable", 0o644},
		"scratch/data":   {"\x00\x01 no program", 0o755},
		"scratch/noterp": {"#!/no/such/interpreter\n", 0o755},
	} {
		must(t, os.WriteFile(filepath.Join(rootfs, name), []byte(file.data), file.mode))
	}
	out, err := exec.Command("/bin/busybox", "--list").Output()
	must(t, err)
	for _, applet := range strings.Fields(string(out)) {
		if applet != "busybox" {
			must(t, os.Symlink("busybox", filepath.Join(rootfs, "bin", applet)))
		}
	}
}

func testSpec(id string) *specs.Spec {
	caps := []string{"CAP_KILL", "CAP_CHOWN", "CAP_SETUID", "CAP_SETGID"}
	return &specs.Spec{
		Version: "1.0.2", // the newest that an old crun knows
		Root:    &specs.Root{Path: "rootfs"},
		Process: &specs.Process{
			Args:         []string{"sh", "-c", "while :; do sleep 9000; done"},
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

// eventually waits for a condition: with what is reason in a virtual machine
// that is emulated on a busy one.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	if !poll(time.Now().Add(time.Minute), done) {
		t.Fatalf("never came: %s", what)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func lines(b []byte) []string {
	return strings.Split(string(bytes.TrimSpace(b)), "\n")
}
