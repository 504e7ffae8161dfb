package runtime

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/log"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"

	"bookend.dev/bookend/hooks"
)

// gates lists the pids of the processes that wait at a gate of the container.
func (c *testContainer) gates() []string {
	found := []string{}
	names, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, name := range names {
		comm, _ := os.ReadFile(name)
		cgroup, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cgroup"))
		if string(comm) == "bookend-gate\n" && strings.Contains(string(cgroup), c.ID) {
			found = append(found, filepath.Base(filepath.Dir(name)))
		}
	}
	return found
}

// stage stages spec and waits until its process is at the gate.
func (c *testContainer) stage(spec *hooks.Exec) *Staged {
	c.Helper()
	s := c.executor.Stage(c.Context(), nil, c.Container, spec, nil, nil)
	c.Cleanup(func() { s.Discard(context.Background()) })
	<-s.started
	eventually(c, "a process at the gate", func() bool { return len(c.gates()) == 1 })
	return s
}

// diary is a context whose log can be read, debugging included.
type diary struct {
	context.Context
	mu  sync.Mutex
	buf bytes.Buffer
}

func newDiary(ctx context.Context) *diary {
	d := &diary{}
	logger := logrus.New()
	logger.SetLevel(logrus.DebugLevel)
	logger.SetOutput(d)
	d.Context = log.WithLogger(ctx, logrus.NewEntry(logger))
	return d
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.buf.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.buf.String()
}

// runStaged runs spec through a gate, and fails the test if it was not.
func (c *testContainer) runStaged(spec *hooks.Exec) hooks.Report {
	c.Helper()
	s := c.stage(spec)
	d := newDiary(c.Context())
	report := s.Run(d)
	if !strings.Contains(d.String(), "hook was staged") {
		c.Errorf("not staged: %s", d)
	}
	return report
}

// wantFallback runs spec staged, and expects that it cannot be: for a reason
// that is logged once.
func (c *testContainer) wantFallback(spec *hooks.Exec, why string) hooks.Report {
	c.Helper()
	s := c.executor.Stage(c.Context(), nil, c.Container, spec, nil, nil)
	d := newDiary(c.Context())
	report := s.Run(d)
	if said := d.String(); strings.Count(said, "was not staged") != 1 || !strings.Contains(said, why) {
		c.Errorf("log says %q; want, once, that it was not staged for %q", said, why)
	}
	for _, secret := range append([]string{spec.User, spec.WorkingDir}, spec.Command...) {
		if said := d.String(); len(secret) > len("true") && strings.Contains(said, secret) {
			c.Errorf("log says %q, with the author's %q", said, secret)
		}
	}
	if left := c.gates(); len(left) != 0 {
		c.Errorf("left at the gate: %v", left)
	}
	if left := c.hookCgroups(); len(left) != 0 {
		c.Errorf("cgroups left: %v", left)
	}
	return report
}

func withUserNamespace(s *specs.Spec) {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
	s.Linux.UIDMappings, s.Linux.GIDMappings = ids, ids
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
}

// Staged in a container that is only created, the hook is, once the container
// has started, what an unstaged one is.
func TestStagedRunsAsUnstaged(t *testing.T) {
	for name, edit := range map[string]func(*specs.Spec){
		"plain":                        nil,
		"confined":                     confined,
		"seccomp without no_new_privs": func(s *specs.Spec) { s.Linux.Seccomp = refuseMkdir() },
		"host pid namespace":           withoutPIDNamespace,
		"user namespace":               withUserNamespace,
		"confined in a user namespace": func(s *specs.Spec) { confined(s); withUserNamespace(s) },
		"own variables of libcontainer": func(s *specs.Spec) {
			s.Process.Env = append(s.Process.Env, "_LIBCONTAINER_INITPIPE=1", "_LIBCONTAINER_LOGPIPE=2", "GOTRACEBACK=crash")
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := createContainer(t, edit)
			spec := &hooks.Exec{
				Command: []string{"sh", "-c", whoami, "zero", "one word", "$NOT_EXPANDED", ""},
				Env:     []hooks.EnvVar{{Name: "COLOUR", Value: "a=b c"}},
			}
			s := c.stage(spec)
			c.runcDo("start", c.ID)
			d := newDiary(t.Context())
			got := s.Run(d)
			if got.Cause != "" || !strings.Contains(d.String(), "hook was staged") {
				t.Fatalf("%s: %v: %s: %s", got.Cause, got.Err, got.Stderr, d)
			}
			want := c.handler(spec).Run(t.Context())
			if a, b := anyCgroup(got.Stdout), anyCgroup(want.Stdout); a != b {
				t.Errorf("differs (hook: staged, runc exec: unstaged):\n%s", difference(a, b))
			}
			if len(got.Stdout) < 1000 || string(got.Stderr) != string(want.Stderr) {
				t.Errorf("stdout %s\nstderr %s\nunstaged: %s", got.Stdout, got.Stderr, want.Stderr)
			}
		})
	}
}

func anyCgroup(out []byte) string {
	return regexp.MustCompile(`bookend-[a-z0-9]{10}`).ReplaceAllString(string(out), "bookend-N")
}

// What a hook comes to does not depend on its having been staged.
func TestStagedReportsAsUnstaged(t *testing.T) {
	c := startContainer(t, nil)
	must(t, os.MkdirAll(filepath.Join(c.rootfs, "scratch/directory/id"), 0o755))
	for _, spec := range []hooks.Exec{
		{Command: []string{"true"}},
		{Command: []string{"sh", "-c", "echo out; echo err >&2; exit 3"}},
		{Command: []string{"sh", "-c", "exit 255"}},
		{Command: []string{"sh", "-c", "kill -9 $$"}},
		{Command: []string{"/bin/echo", "slash"}},
		{Command: []string{"./bin/echo", "relative"}},
		{Command: []string{"scratch/../bin/echo", "relative"}},
		{Command: []string{"pwd"}, WorkingDir: "/scratch"},
		{Command: []string{"id"}, User: "ana"},
		{Command: []string{"id"}, User: "ana", Env: []hooks.EnvVar{{Name: "PATH", Value: "/none:/scratch/plain:/scratch/directory:/etc:/bin"}}},
		{Command: []string{"id"}, Env: []hooks.EnvVar{{Name: "PATH", Value: "/:/bin"}}},
	} {
		t.Run(fmt.Sprint(spec), func(t *testing.T) {
			want := c.handler(&spec).Run(t.Context())
			wantReport(t, c.runStaged(&spec), want)
			if left := c.hookCgroups(); len(left) != 0 {
				t.Errorf("cgroups left: %v", left)
			}
		})
	}
}

func TestStagedCommandThatCannotRunIsReportedAsUnstaged(t *testing.T) {
	c := startContainer(t, nil)
	path := func(value string) []hooks.EnvVar { return []hooks.EnvVar{{Name: "PATH", Value: value}} }
	for _, spec := range []hooks.Exec{
		{Command: []string{"nothing"}},
		{Command: []string{""}},
		{Command: []string{".."}},
		{Command: []string{"/no/such: file"}},
		{Command: []string{"/scratch/plain/x"}},
		{Command: []string{"/scratch/plain"}},
		{Command: []string{"/scratch"}},
		{Command: []string{"/scratch/data"}},
		{Command: []string{"./data"}, WorkingDir: "/scratch"},
		{Command: []string{"/scratch/noterp"}},
		{Command: []string{"noterp"}, Env: path("/scratch:/bin")},
		{Command: []string{"true"}, WorkingDir: "/none"},
		{Command: []string{"true"}, WorkingDir: "/scratch/plain"},
		{Command: []string{"true"}, User: "nobody-here"},
		{Command: []string{"true"}, Env: path("")},
		{Command: []string{"true"}, Env: path("bin:/bin")},
		{Command: []string{"true"}, Env: path(":/bin")},
		{Command: []string{"true"}, Env: path("/none/../bin")},
		{Command: []string{"true"}, Env: path("/bin/")},
	} {
		t.Run(fmt.Sprint(spec), func(t *testing.T) {
			want := c.handler(&spec).Run(t.Context())
			got := c.wantFallback(&spec, "")
			wantReport(t, got, want)
			if fmt.Sprint(got.Err) != fmt.Sprint(want.Err) {
				t.Errorf("error %v, unstaged %v", got.Err, want.Err)
			}
		})
	}
}

// The search for the command is made when the gate opens: the entrypoint may
// have made it in between.
func TestStagedFindsACommandThatCameLater(t *testing.T) {
	c := createContainer(t, nil)
	s := c.stage(&hooks.Exec{Command: []string{"late"}})
	must(t, os.WriteFile(filepath.Join(c.rootfs, "bin/late"), []byte("#!/bin/sh\necho here\n"), 0o755))
	c.runcDo("start", c.ID)
	d := newDiary(t.Context())
	wantReport(t, s.Run(d), hooks.Report{Stdout: []byte("here\n")})
	if !strings.Contains(d.String(), "hook was staged") {
		t.Errorf("%s", d)
	}
}

// The gate opens once; further attempts are made from the start.
func TestStagedRunsAgain(t *testing.T) {
	c := startContainer(t, nil)
	s := c.stage(&hooks.Exec{Command: []string{"sh", "-c", "echo $$ >>/scratch/pids; exit 7"}})
	for range 3 {
		wantReport(t, s.Run(t.Context()), hooks.Report{Cause: hooks.CauseExitCode, ExitCode: 7})
	}
	pids, err := os.ReadFile(filepath.Join(c.rootfs, "scratch/pids"))
	must(t, err)
	if n := len(lines(pids)); n != 3 {
		t.Errorf("ran %d times", n)
	}
}

func TestStagedOpenedBeforeItIsThere(t *testing.T) {
	c := startContainer(t, nil)
	for range 10 {
		s := c.executor.Stage(t.Context(), nil, c.Container, &hooks.Exec{Command: []string{"echo", "hello"}}, nil, nil)
		d := newDiary(t.Context())
		wantReport(t, s.Run(d), hooks.Report{Stdout: []byte("hello\n")})
		if !strings.Contains(d.String(), "hook was staged") {
			t.Errorf("%s", d)
		}
	}
}

// A container whose seccomp profile forbids what the gate does, or whose limits
// are tight, has its hook all the same.
func TestStagedFallsBack(t *testing.T) {
	forbid := func(action specs.LinuxSeccompAction, names ...string) func(*specs.Spec) {
		return func(s *specs.Spec) {
			s.Process.NoNewPrivileges = true
			s.Linux.Seccomp = &specs.LinuxSeccomp{
				DefaultAction: specs.ActAllow,
				Syscalls:      []specs.LinuxSyscall{{Names: names, Action: action}},
			}
		}
	}
	for name, tc := range map[string]struct {
		edit func(*specs.Spec)
		why  string
	}{
		"prctl refused":  {forbid(specs.ActErrno, "prctl"), "operation not permitted"},
		"search refused": {forbid(specs.ActErrno, "faccessat2"), "operation not permitted"},
		"search kills":   {forbid(specs.ActKillProcess, "faccessat2"), "did not come up"},
		"few processes": {func(s *specs.Spec) {
			limit := int64(20)
			s.Linux.Resources = &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &limit}}
		}, "limits leave no room"},
		"little memory": {func(s *specs.Spec) {
			limit := int64(40 << 20)
			s.Linux.Resources = &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}}
		}, "limits leave no room"},
	} {
		t.Run(name, func(t *testing.T) {
			c := startContainer(t, tc.edit)
			got := c.wantFallback(&hooks.Exec{Command: []string{"echo", "hello"}}, tc.why)
			wantReport(t, got, hooks.Report{Stdout: []byte("hello\n")})
		})
	}
}

// The gate killed by somebody before its time is no hook that failed.
func TestStagedFallsBackWhenTheGateDies(t *testing.T) {
	c := startContainer(t, nil)
	s := c.stage(&hooks.Exec{Command: []string{"echo", "hello"}})
	c.killGate()
	<-s.run.done
	d := newDiary(t.Context())
	wantReport(t, s.Run(d), hooks.Report{Stdout: []byte("hello\n")})
	if !strings.Contains(d.String(), "ended before its time") {
		t.Errorf("%s", d)
	}
}
