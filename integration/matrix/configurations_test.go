package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// configuration is an OCI configuration, as a change of the plain one.
type configuration struct {
	name string
	edit func(t *testing.T, c *container)
	// tighten takes from the container, before the hook and the exec that it is
	// compared with run, what runtimes need to make it.
	tighten func(t *testing.T, c *container)
	// hookOnly tells that a hook must run also where exec does not.
	hookOnly bool
	// peculiar tells that both are started by a process that is not as usual.
	peculiar bool
}

func configurations() []configuration {
	return slices.Concat(
		identities(), capabilities(), confinements(), settings(), environments(),
		namespaces(), userNamespaces(), files(), cgroups(),
	)
}

// of is a configuration of a change of the spec alone.
func of(name string, edit func(*specs.Spec)) configuration {
	return configuration{name: name, edit: func(_ *testing.T, c *container) { edit(c.spec) }}
}

func identities() []configuration {
	user := func(name string, u specs.User) configuration {
		return of(name, func(s *specs.Spec) { s.Process.User = u })
	}
	umask := uint32(0o27)
	return []configuration{
		user("root", specs.User{}),
		user("user", specs.User{UID: 1234, GID: 2345}),
		user("user without name", specs.User{UID: 4321, GID: 5432}),
		user("groups", specs.User{UID: 1234, GID: 2345, AdditionalGids: []uint32{50, 7, 2345, 99}}),
		user("root with groups", specs.User{AdditionalGids: []uint32{0, 50}}),
		user("umask", specs.User{UID: 1234, Umask: &umask}),
	}
}

func capabilities() []configuration {
	some := []string{"CAP_KILL", "CAP_CHOWN", "CAP_SETUID", "CAP_NET_BIND_SERVICE"}
	set := func(name string, uid uint32, caps *specs.LinuxCapabilities) configuration {
		return of("capabilities "+name, func(s *specs.Spec) {
			s.Process.User.UID, s.Process.Capabilities = uid, caps
		})
	}
	var all []configuration
	for _, uid := range []uint32{0, 1234} {
		as := fmt.Sprintf(" as %d", uid)
		all = append(all,
			set("nil"+as, uid, nil),
			set("none"+as, uid, &specs.LinuxCapabilities{}),
			set("bounding"+as, uid, &specs.LinuxCapabilities{Bounding: some}),
			set("permitted"+as, uid, &specs.LinuxCapabilities{Permitted: some}),
			set("effective"+as, uid, &specs.LinuxCapabilities{Effective: some[:1], Permitted: some}),
			set("inheritable"+as, uid, &specs.LinuxCapabilities{Bounding: some, Inheritable: some}),
			set("ambient"+as, uid, &specs.LinuxCapabilities{
				Bounding: some, Permitted: some, Inheritable: some[:2], Ambient: some[:2],
			}),
			set("together"+as, uid, &specs.LinuxCapabilities{
				Bounding: some, Effective: some, Permitted: some, Inheritable: some, Ambient: some,
			}),
		)
	}
	return append(all, set("unknown", 0, &specs.LinuxCapabilities{Bounding: append(some, "CAP_NONE")}))
}

// confinements are those of three seccomp profiles, with no_new_privs or not, of
// root and not.
func confinements() []configuration {
	profiles := map[string]func(*specs.Spec) *specs.LinuxSeccomp{
		"none":    func(*specs.Spec) *specs.LinuxSeccomp { return nil },
		"default": seccomp.DefaultProfile,
		"custom":  func(*specs.Spec) *specs.LinuxSeccomp { return customProfile() },
	}
	var all []configuration
	for _, name := range []string{"none", "default", "custom"} {
		for _, uid := range []uint32{0, 1234} {
			for _, nnp := range []bool{false, true} {
				all = append(all, of(fmt.Sprintf("seccomp %s as %d nnp %t", name, uid, nnp), func(s *specs.Spec) {
					s.Process.User.UID, s.Process.NoNewPrivileges = uid, nnp
					s.Linux.Seccomp = profiles[name](s)
				}))
			}
		}
	}
	return append(all, of("seccomp log flag", func(s *specs.Spec) {
		s.Linux.Seccomp = customProfile()
		s.Linux.Seccomp.Flags = []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog}
	}))
}

func customProfile() *specs.LinuxSeccomp {
	number := uint(33)
	return &specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow,
		Architectures: []specs.Arch{specs.ArchX86_64, specs.ArchX86},
		Syscalls: []specs.LinuxSyscall{
			{Names: []string{"swapon", "acct"}, Action: specs.ActErrno},
			{Names: []string{"mkdir"}, Action: specs.ActErrno, ErrnoRet: &number},
			{Names: []string{"quotactl"}, Action: specs.ActKillProcess},
			{Names: []string{"sysfs"}, Action: specs.ActTrap},
			{
				Names: []string{"personality"}, Action: specs.ActErrno,
				Args: []specs.LinuxSeccompArg{{Index: 0, Value: 8, Op: specs.OpEqualTo}},
			},
		},
	}
}

func settings() []configuration {
	score := 321
	limits := func(name string, l ...specs.POSIXRlimit) configuration {
		return of(name, func(s *specs.Spec) { s.Process.Rlimits = l })
	}
	nproc := limits("nproc of one", specs.POSIXRlimit{Type: "RLIMIT_NPROC", Soft: 1, Hard: 1})
	nproc.hookOnly = true
	caller := configuration{name: "caller", edit: func(*testing.T, *container) {}, peculiar: true}
	return []configuration{
		caller,
		limits("rlimits",
			specs.POSIXRlimit{Type: "RLIMIT_NOFILE", Soft: 100, Hard: 200},
			specs.POSIXRlimit{Type: "RLIMIT_CORE", Soft: 0, Hard: 0},
			specs.POSIXRlimit{Type: "RLIMIT_STACK", Soft: 1 << 20, Hard: 2 << 20},
			specs.POSIXRlimit{Type: "RLIMIT_CPU", Soft: 1000, Hard: 2000},
		),
		limits("address space", specs.POSIXRlimit{Type: "RLIMIT_AS", Soft: 8 << 30, Hard: 8 << 30}),
		nproc,
		of("oom score", func(s *specs.Spec) { s.Process.OOMScoreAdj = &score }),
		of("personality", func(s *specs.Spec) {
			s.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux32}
		}),
		of("scheduler", func(s *specs.Spec) {
			s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch, Nice: 5}
		}),
		of("io priority", func(s *specs.Spec) {
			s.Process.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_BE, Priority: 6}
		}),
	}
}

func environments() []configuration {
	env := func(name string, uid uint32, env ...string) configuration {
		return of("environment "+name, func(s *specs.Spec) { s.Process.User.UID, s.Process.Env = uid, env })
	}
	cwd := of("working directory", func(s *specs.Spec) { s.Process.Cwd = "/work" })
	return []configuration{
		env("with HOME", 1234, "HOME=/somewhere", "PATH=/bin"),
		env("with empty HOME", 1234, "A=1", "HOME=", "PATH=/bin"),
		env("without HOME", 1234, "PATH=/bin"),
		env("twice", 0, "A=1", "PATH=/nowhere", "A=2", "B=", "PATH=/nowhere:/bin", "A=3"),
		cwd,
	}
}

func files() []configuration {
	return []configuration{
		of("read-only root", func(s *specs.Spec) { s.Root.Readonly = true }),
		{name: "no proc", edit: func(*testing.T, *container) {}, tighten: unmountProc, hookOnly: true},
		of("masked paths", func(s *specs.Spec) {
			s.Linux.MaskedPaths = []string{"/proc/keys", "/proc/kcore", "/proc/timer_list"}
			s.Linux.ReadonlyPaths = []string{"/proc/sys", "/proc/sysrq-trigger"}
		}),
	}
}

func cgroups() []configuration {
	limit, shares := int64(256<<20), uint64(256)
	return []configuration{
		{name: "cgroup below another", edit: func(t *testing.T, c *container) {
			parent := c.id + "-parent"
			c.spec.Linux.CgroupsPath = filepath.Join("/", parent, c.id)
			t.Cleanup(func() { // after the container's
				for _, hierarchy := range []string{"", "*"} {
					left, err := filepath.Glob(filepath.Join("/sys/fs/cgroup", hierarchy, parent))
					must(t, err)
					for _, dir := range left {
						must(t, os.Remove(dir))
					}
				}
			})
		}},
		of("limits", func(s *specs.Spec) {
			s.Linux.Resources = &specs.LinuxResources{
				Memory: &specs.LinuxMemory{Limit: &limit}, CPU: &specs.LinuxCPU{Shares: &shares, Cpus: "0"},
			}
		}),
		tight("tight pids", "pids", "pids.max", "2"),
		tight("tight memory", "memory", "memory.limit_in_bytes", "3145728"),
	}
}

// unmountProc takes /proc from a container: no runtime makes one without it.
func unmountProc(t *testing.T, c *container) {
	done := make(chan error)
	go func() {
		// Never unlocked: the thread can't go back, and ends with the goroutine.
		runtime.LockOSThread()
		done <- func() error {
			mounts, err := os.Open(fmt.Sprintf("/proc/%d/ns/mnt", c.pid))
			if err != nil {
				return err
			}
			defer mounts.Close()
			if err := unix.Unshare(unix.CLONE_FS); err != nil {
				return err
			}
			if err := unix.Setns(int(mounts.Fd()), unix.CLONE_NEWNS); err != nil {
				return err
			}
			return unix.Unmount("/proc", unix.MNT_DETACH)
		}()
	}()
	must(t, <-done)
}

// tight is a configuration that has room for little beside the init.
func tight(name, controller, file, value string) configuration {
	c := of(name, func(*specs.Spec) {})
	c.hookOnly = true
	c.tighten = func(t *testing.T, c *container) {
		path := filepath.Join("/sys/fs/cgroup", controller, c.spec.Linux.CgroupsPath, file)
		if _, err := os.Stat(filepath.Dir(path)); err != nil { // cgroup v2
			path = filepath.Join("/sys/fs/cgroup", c.spec.Linux.CgroupsPath, strings.Replace(file, "memory.limit_in_bytes", "memory.max", 1))
		}
		must(t, os.WriteFile(path, []byte(value), 0o644))
	}
	return c
}
