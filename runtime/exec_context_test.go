package runtime

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/hooks"
)

// whoami prints all that a process can say about what it may do and where it
// is. Numbers that differ from one process to the next are left out.
const whoami = `
grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|Umask|NSpid|NStgid|SigIgn|SigBlk|Cpus_allowed|Mems_allowed):' /proc/self/status | grep -v NS
for n in /proc/self/ns/*; do readlink $n; done
cat /proc/self/limits /proc/self/oom_score_adj /proc/self/cgroup
pwd; umask; env; echo "$0" "$@"
ls /proc/$$/fd
awk '{print ($6 == $1) ? "leads its session" : "led"; print "tty", $7}' /proc/$$/stat
mkdir /scratch/made-"$$" 2>&1 | sed 's/made-[0-9]*/made/'
`

func confined(spec *specs.Spec) {
	umask := uint32(0o037)
	spec.Process.User = specs.User{UID: 1234, GID: 2345, AdditionalGids: []uint32{50, 60}, Umask: &umask}
	spec.Process.Cwd = "/scratch"
	spec.Process.NoNewPrivileges = true
	spec.Process.Env = append(spec.Process.Env, "HOME=/somewhere")
	spec.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 100, Hard: 200}, {Type: "RLIMIT_CORE"}}
	spec.Process.Capabilities.Ambient = []string{"CAP_KILL"}
	spec.Process.Capabilities.Inheritable = []string{"CAP_KILL"}
	spec.Linux.Seccomp = refuseMkdir()
}

func refuseMkdir() *specs.LinuxSeccomp {
	return &specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow,
		Syscalls:      []specs.LinuxSyscall{{Names: []string{"mkdir", "mkdirat"}, Action: specs.ActErrno}},
	}
}

func TestExecRunsAsRuncExecDoes(t *testing.T) {
	for name, edit := range map[string]func(*specs.Spec){
		"plain":    nil,
		"confined": confined,
		"seccomp without no_new_privs": func(s *specs.Spec) {
			s.Linux.Seccomp = refuseMkdir()
		},
		"host pid namespace": func(s *specs.Spec) {
			s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.PIDNamespace })
		},
		"user namespace": func(s *specs.Spec) {
			ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
			s.Linux.UIDMappings, s.Linux.GIDMappings = ids, ids
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		},
		"cgroup namespace": func(s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := startContainer(t, edit)
			command := []string{"sh", "-c", whoami, "zero", "one word", "$NOT_EXPANDED", ""}
			got := c.hook(command...)
			if got.Cause != "" {
				t.Fatalf("%s: %v: %s", got.Cause, got.Err, got.Stderr)
			}
			want, ours := c.runcExec(command...), ownCgroup(string(got.Stdout))
			want, ours = withoutInheritedSignals(t, want), withoutInheritedSignals(t, ours)
			if c.Runner.OwnRuntime { // runc 1.1 loses a race for this soft limit with the Go runtime, in either
				want, ours = withoutOpenFiles(want), withoutOpenFiles(ours)
			}
			if c.Cgroup.unified && name == "cgroup namespace" { // the hook's is its own
				want, ours = withoutCgroupNamespace(want), withoutCgroupNamespace(ours)
			}
			if ours != want {
				t.Errorf("differs from runc exec:\n%s", difference(ours, want))
			}
			leads := strings.Contains(want, "leads its session") || (c.Runner.OwnRuntime && strings.Contains(want, "\nled\n")) // crun
			if !strings.Contains(want, "NoNewPrivs") || !leads {
				t.Errorf("says too little to be compared:\n%s", want)
			}
		})
	}
}

// ownCgroup takes the one intended difference away: the hook's cgroup, on v1
// the freezer's alone, is a child of the container's.
func ownCgroup(s string) string {
	s = regexp.MustCompile(`(?m)^([0-9]+:(?:freezer)?:.+)/bookend-[a-z0-9]+$`).ReplaceAllString(s, "$1")
	return regexp.MustCompile(`(?m)^([0-9]+:(?:freezer)?:/)bookend-[a-z0-9]+$`).ReplaceAllString(s, "$1")
}

// withoutInheritedSignals takes away that runc exec passes on what its caller
// ignores, which the joiner resets: make, for one, ignores two of glibc's signals.
func withoutInheritedSignals(t *testing.T, s string) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	ignored := regexp.MustCompile(`(?m)^SigIgn:.*$`)
	return strings.ReplaceAll(s, string(ignored.Find(status)), "SigIgn:\t0000000000000000")
}

func withoutOpenFiles(s string) string {
	return regexp.MustCompile(`(?m)^Max open files .*\n`).ReplaceAllString(s, "")
}

func withoutCgroupNamespace(s string) string {
	return regexp.MustCompile(`(?m)^cgroup:\[.*\n`).ReplaceAllString(s, "")
}

func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out strings.Builder
	for i := range max(len(x), len(y)) {
		switch {
		case i >= len(x):
			out.WriteString("runc exec " + y[i] + "\n")
		case i >= len(y):
			out.WriteString("hook      " + x[i] + "\n")
		case x[i] != y[i]:
			out.WriteString("hook      " + x[i] + "\nrunc exec " + y[i] + "\n")
		}
	}
	return out.String()
}

func TestExecSharesNamespacesAndCgroupsWithTheInit(t *testing.T) {
	c := startContainer(t, nil)
	got := c.hook("sh", "-c", `
for n in /proc/1/ns/*; do test "$(readlink $n)" = "$(readlink /proc/self/ns/${n##*/})" || echo "differs: $n"; done
sed -E 's,^([0-9]+:(freezer)?:.*)/bookend-[a-z0-9]+$,\1,' /proc/self/cgroup >/scratch/hook; cmp /scratch/hook /proc/1/cgroup`)
	wantReport(t, got, hooks.Report{})
}

func TestExecHasNoStdinAndNoTerminal(t *testing.T) {
	c := startContainer(t, nil)
	got := c.hook("sh", "-c", "readlink /proc/self/fd/0; wc -c; tty")
	if c.Runner.OwnRuntime { // the node's, named as it is called in a mount that is not the container's
		got.Stdout = regexp.MustCompile(`^/null\n`).ReplaceAll(got.Stdout, []byte("/dev/null\n"))
	}
	wantReport(t, got, hooks.Report{Cause: hooks.CauseExitCode, ExitCode: 1, Stdout: []byte("/dev/null\n0\nnot a tty\n")})
}

func TestExecTakesTheHooksOwnEnvironmentUserAndDirectory(t *testing.T) {
	c := startContainer(t, nil)
	env := []hooks.EnvVar{{Name: "COLOUR", Value: "a=b c"}, {Name: "EXTRA", Value: ""}}
	for _, tc := range []struct {
		name string
		spec hooks.Exec
		want string
	}{
		{"environment", hooks.Exec{Command: []string{"env"}, Env: env}, "PATH=/bin COLOUR=a=b c EXTRA= HOME=/root"},
		{"directory", hooks.Exec{Command: []string{"pwd"}, WorkingDir: "/scratch"}, "/scratch"},
		{"name", hooks.Exec{Command: []string{"id"}, User: "ana"}, "uid=1234(ana) gid=2345(ana) groups=50(staff),2345(ana)"},
		{"name's home", hooks.Exec{Command: []string{"sh", "-c", "echo $HOME"}, User: "ana"}, "/home/ana"},
		{"name and group", hooks.Exec{Command: []string{"id"}, User: "ana:staff"}, "uid=1234(ana) gid=50(staff) groups=50(staff)"},
		{"number", hooks.Exec{Command: []string{"id"}, User: "7"}, "uid=7 gid=0(root) groups=0(root)"},
		{"numbers", hooks.Exec{Command: []string{"id"}, User: "7:8"}, "uid=7 gid=8 groups=8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := c.handler(&tc.spec).Run(t.Context())
			if said := strings.Join(lines(got.Stdout), " "); got.Cause != "" || said != tc.want {
				t.Errorf("got %q (%v), want %q", said, got.Err, tc.want)
			}
		})
	}
}

// A user's own /dev/stdout must open: the pipe is made by root outside.
func TestExecOutputCanBeOpenedByTheHooksUser(t *testing.T) {
	c := startContainer(t, func(s *specs.Spec) {
		confined(s)
		ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
		s.Linux.UIDMappings, s.Linux.GIDMappings = ids, ids
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	})
	wantReport(t, c.hook("sh", "-c", "echo said >/proc/self/fd/1"), hooks.Report{Stdout: []byte("said\n")})
}

func TestExecInAContainerThatCannotBeJoined(t *testing.T) {
	c := startContainer(t, nil)
	t.Run("paused", func(t *testing.T) {
		c.runcDo("pause", c.ID)
		wantReport(t, c.hook("true"), hooks.Report{Cause: hooks.CausePaused})
		c.runcDo("resume", c.ID)
		wantReport(t, c.hook("true"), hooks.Report{})
	})
	t.Run("stopped", func(t *testing.T) {
		c.runcDo("kill", c.ID, "KILL")
		eventually(t, "the init's death", func() bool { return c.Init.Liveness() != hooks.Alive })
		got := c.hook("true")
		wantReport(t, got, hooks.Report{Cause: hooks.CauseGone, Suspect: true})
	})
	t.Run("deleted", func(t *testing.T) {
		c.runcDo("delete", "--force", c.ID)
		wantReport(t, c.hook("true"), hooks.Report{Cause: hooks.CauseGone, Suspect: true})
		got := c.handler(&hooks.Exec{Command: []string{"true"}, User: "ana"}).Run(t.Context())
		wantReport(t, got, hooks.Report{Cause: hooks.CauseGone, Suspect: true})
	})
}
