package runtime

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/hooks"
)

// limited is a container with limits that it can read, as containerd makes it
// on cgroup v2: in a cgroup namespace, with its cgroup on /sys/fs/cgroup.
func limited(mount string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		memory, quota, period := int64(256<<20), int64(100000), uint64(100000)
		s.Linux.Resources = &specs.LinuxResources{
			Memory: &specs.LinuxMemory{Limit: &memory},
			CPU:    &specs.LinuxCPU{Quota: &quota, Period: &period},
		}
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
		s.Mounts = append(s.Mounts, specs.Mount{
			Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup",
			Options: []string{"nosuid", "noexec", "nodev", mount},
		})
	}
}

// startLimited starts such a container, its cgroup mounted "ro" or "rw".
func startLimited(t *testing.T, mount string, edits ...func(*specs.Spec)) *testContainer {
	t.Helper()
	needUnified(t)
	return startContainer(t, func(s *specs.Spec) {
		limited(mount)(s)
		for _, edit := range edits {
			edit(s)
		}
	})
}

func inUserNamespace(s *specs.Spec) {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
	s.Linux.UIDMappings, s.Linux.GIDMappings = ids, ids
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
}

// wantAsRuncExec runs a script as a hook and by runc exec, which must print
// the same, and returns that.
func (c *testContainer) wantAsRuncExec(script string) string {
	c.Helper()
	want := c.runcExec("sh", "-c", script)
	got := c.hook("sh", "-c", script)
	if got.Cause != "" || string(got.Stdout) != want {
		c.Errorf("the hook ended with %q (%v) and differs from runc exec:\n%s%s",
			got.Cause, got.Err, difference(string(got.Stdout), want), got.Stderr)
	}
	return want
}

func TestExecSeesItsContainersLimitsOnV2(t *testing.T) {
	for _, mount := range []string{"ro", "rw"} {
		t.Run(mount, func(t *testing.T) {
			c := startLimited(t, mount)
			out := c.wantAsRuncExec("cat /proc/self/cgroup; cd /sys/fs/cgroup; cat memory.max cpu.max")
			if want := "0::/\n268435456\n100000 100000\n"; out != want {
				t.Errorf("runc exec printed\n%swant\n%s", out, want)
			}
		})
	}
}

// A quarter of a quarter of a GiB would be too little for a heap: the JVM then
// takes up to half. Of the machine's memory it would take a quarter.
func TestExecGivesJavaItsContainersLimitsOnV2(t *testing.T) {
	c := startLimited(t, "ro", debian(t, "/usr/bin/java"))
	out := c.wantAsRuncExec(`java -Xlog:os+container=trace:file=/scratch/log -XX:+PrintFlagsFinal -version |
		awk '$2 == "MaxHeapSize" { print $4 }'; grep -oE 'active_processor_count: [0-9]+' /scratch/log | sort -u`)
	heap, cpus, _ := strings.Cut(out, "\n")
	if n, err := strconv.Atoi(heap); err != nil || n < 64<<20 || n > 128<<20 || cpus != "active_processor_count: 1\n" {
		t.Errorf("in a container of 256 MiB and one processor, Java's heap grows to %s; %s", heap, cpus)
	}
}

func TestExecGivesNodeItsContainersLimitsOnV2(t *testing.T) {
	c := startLimited(t, "ro", debian(t, "/usr/bin/node"))
	out := c.wantAsRuncExec(`node -p '[process.constrainedMemory(), v8.getHeapStatistics().heap_size_limit].join(" ")'`)
	limit, heap, _ := strings.Cut(strings.TrimSpace(out), " ")
	if n, err := strconv.Atoi(heap); err != nil || n > 300<<20 || limit != "268435456" {
		t.Errorf("in a container of 256 MiB, Node sees a limit of %s and its heap grows to %s", limit, heap)
	}
}

// What manages cgroups of its own, as podman and systemd-run do, can do so in
// a hook of a container whose cgroup was delegated to it.
func TestExecManagesCgroupsOnV2(t *testing.T) {
	c := startLimited(t, "rw", inUserNamespace)
	data, err := os.ReadFile("/sys/kernel/cgroup/delegate")
	must(t, err)
	files := append(lines(data), ".")
	for _, file := range files { // as runc does where systemd makes the cgroup
		if err := os.Chown(filepath.Join(c.Cgroup.dir, file), 100000, -1); !os.IsNotExist(err) {
			must(t, err)
		}
	}
	const manage = `cd /sys/fs/cgroup && mkdir kid && echo 0 >kid/cgroup.procs && cat /proc/self/cgroup
		echo 0 >cgroup.procs && rmdir kid; cat /proc/self/cgroup`
	if out := c.wantAsRuncExec(manage); out != "0::/kid\n0::/\n" {
		t.Errorf("runc exec printed\n%s", out)
	}
	dir, end := c.sleeper()
	defer end()
	for _, file := range files {
		of := filepath.Join(dir, file)
		if _, err := os.Stat(of); err == nil && owner(t, of)[0] != 100000 {
			t.Errorf("%s of the hook's cgroup belongs to %d, want the owner of the container's", file, owner(t, of)[0])
		}
	}
}

// The limits of a container are out of its reach where the hierarchy is
// mounted nsdelegate, as systemd mounts it, even for the host's root: a
// namespace's root is where its power ends. They are out of a hook's, too.
func TestExecCannotRaiseItsContainersLimitsOnV2(t *testing.T) {
	c := startLimited(t, "rw")
	out := c.wantAsRuncExec(`cd /sys/fs/cgroup; echo 1G >memory.max || echo refused; cat memory.max`)
	if want := "refused\n268435456\n"; out != want || c.figure("memory.max") != 256<<20 {
		t.Errorf("runc exec printed\n%swant\n%sthe limit is now %d", out, want, c.figure("memory.max"))
	}
}

// sleeper runs a hook that sleeps, and returns the directory of its cgroup and
// what ends it.
func (c *testContainer) sleeper() (dir string, end func()) {
	c.Helper()
	ctx, cancel := context.WithCancelCause(c.Context())
	done := make(chan hooks.Report, 1)
	go func() { done <- c.handler(&hooks.Exec{Command: []string{"sleep", "1001"}}).Run(ctx) }()
	eventually(c, "a hook that sleeps", func() bool {
		for _, dir = range append(c.hookCgroups(), c.Cgroup.dir) {
			data, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
			for _, pid := range lines(data) {
				cmdline, _ := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
				if string(cmdline) == "sleep\x001001\x00" {
					return true
				}
			}
		}
		return false
	})
	return dir, func() { cancel(errCut); c.await(done) }
}

// debian gives a container the programs of Debian's that are below the
// directory in BOOKEND_TEST_DEBIAN, or skips the test where program is not.
func debian(t *testing.T, program string) func(*specs.Spec) {
	t.Helper()
	root := debianRoot(t, program)
	return func(s *specs.Spec) {
		for _, dir := range []string{"/usr", "/lib", "/lib64"} {
			from := filepath.Join(root, "usr", strings.TrimPrefix(dir, "/usr"))
			s.Mounts = append(s.Mounts, specs.Mount{Destination: dir, Type: "bind", Source: from, Options: []string{"bind", "ro"}})
		}
		s.Process.Env = append(s.Process.Env, "PATH=/bin:/usr/bin")
	}
}

func debianRoot(t *testing.T, program string) string {
	t.Helper()
	root := os.Getenv("BOOKEND_TEST_DEBIAN")
	if _, err := os.Stat(filepath.Join(root, program)); root == "" || err != nil {
		t.Skipf("needs BOOKEND_TEST_DEBIAN to name a directory with Debian's %s", program)
	}
	return root
}
