package runtime

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/hooks"
)

// runnerUnderTest is how the hooks of the exec tests get into their
// containers: as BOOKEND_TEST_RUNNER says, which is set where this test binary
// runs itself again for the runtime's own exec; through the joiner otherwise.
func runnerUnderTest(t testing.TB, binary string) *Runner {
	return NewRunner(RunnerOptions{
		Binary: binary, OwnRuntime: os.Getenv("BOOKEND_TEST_RUNNER") == ByRuntime, Directory: t.TempDir(),
		Told: func(runner, reason string) {
			if runner == ByRuntime && reason != errByConfiguration.Error() {
				t.Errorf("the runtime's own exec is used: %s", reason)
			}
		},
	})
}

// ownRuntime is a Runner that calls binary for each hook.
func ownRuntime(t testing.TB, binary string) *Runner {
	return NewRunner(RunnerOptions{Binary: binary, OwnRuntime: true, Directory: t.TempDir(), Told: func(string, string) {}})
}

// crunOnHybrid runs the crun of its %s where cgroup v2 has controllers beside those
// of v1, a machine that crun refuses.
const crunOnHybrid = `#!/bin/sh
exec unshare --mount sh -c 'umount -l /sys/fs/cgroup/unified; exec %s "$@"' crun "$@"
`

// debianCrun returns the path of an installed crun, or skips the test.
func debianCrun(t *testing.T) string { return crun(t, "/usr/bin/crun") }

// newerCrun returns the path of the crun that was built for tests, or skips the
// test.
func newerCrun(t *testing.T) string {
	return crun(t, filepath.Join(directory(t, "BOOKEND_CRUN", ".cache/crun"), "crun"))
}

func crun(t *testing.T, path string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs crun: %v", err)
	}
	controllers, err := os.ReadFile("/sys/fs/cgroup/unified/cgroup.controllers")
	if err != nil || len(strings.TrimSpace(string(controllers))) == 0 {
		return path
	}
	wrapper := filepath.Join(t.TempDir(), "crun")
	must(t, os.WriteFile(wrapper+".new", fmt.Appendf(nil, crunOnHybrid, path), 0o755))
	must(t, exec.Command("cp", wrapper+".new", wrapper).Run()) // see writeRootfs
	return wrapper
}

// debianRunc returns the path of an installed runc, which may be of any
// version, or skips the test.
func debianRunc(t *testing.T) string {
	t.Helper()
	const path = "/usr/sbin/runc"
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs an installed runc: %v", err)
	}
	return path
}

// Every test of exec hooks holds for hooks that run through the container's own
// runtime, whichever that is.
func TestRunnerHoldsToTheRulesOfExecWithEveryRuntime(t *testing.T) {
	if os.Getenv("BOOKEND_TEST_RUNNER") != "" {
		t.Skip("this is the other run")
	}
	ours, _ := binaries(t)
	self, err := os.Executable()
	must(t, err)
	for name, path := range map[string]func(*testing.T) string{
		"runc at our version": func(*testing.T) string { return ours },
		"installed runc":      debianRunc,
		"crun":                newerCrun,
		"installed crun":      debianCrun,
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(self, "-test.run", "^TestExec", "-test.v", "-test.timeout", "8m")
			cmd.Env = append(os.Environ(), "BOOKEND_TEST_RUNC="+path(t), "BOOKEND_TEST_RUNNER="+ByRuntime)
			out, err := cmd.CombinedOutput()
			if err != nil {
				progress := regexp.MustCompile(`(?m)^(=== | *--- PASS).*\n`)
				t.Errorf("%v:\n%s", err, progress.ReplaceAll(out, nil))
			}
			if n := strings.Count(string(out), "\n--- PASS: TestExec"); n < 15 {
				t.Errorf("only %d tests passed", n)
			}
		})
	}
}

// choosing lets c choose, and returns what it was told then.
func choosing(c *testContainer) *[]string {
	told := &[]string{}
	c.Runner = NewRunner(RunnerOptions{Binary: c.runc, Directory: c.TempDir(), Told: func(runner, reason string) {
		*told = append(*told, runner, reason)
	}})
	return told
}

// pretender is a runtime that says it is another.
const pretender = `#!/bin/sh
case "$1" in
features) exit 1 ;;
--version) echo "runsc version release-20260101.0" ;;
*) exec %s "$@" ;;
esac
`

func TestRunnerIsChosenByWhatTheRuntimeSaysOfItself(t *testing.T) {
	for name, tc := range map[string]struct {
		runtime func(*testing.T) string // nil: runc at our version
		edit    func(*specs.Spec)
		runner  string
		reason  string
	}{
		"runc at our version": {runner: ByJoiner},
		"installed runc":      {runtime: debianRunc, runner: ByJoiner},
		"crun":                {runtime: newerCrun, runner: ByJoiner},
		"installed crun":      {runtime: debianCrun, runner: ByJoiner},
		"one that is not plain": {runtime: func(t *testing.T) string {
			ours, _ := binaries(t)
			path := filepath.Join(t.TempDir(), "runsc")
			must(t, os.WriteFile(path+".new", fmt.Appendf(nil, pretender, ours), 0o755))
			must(t, exec.Command("cp", path+".new", path).Run()) // see writeRootfs
			return path
		}, runner: ByRuntime, reason: "runsc"},
		"a field that is not carried out": {
			edit:   func(s *specs.Spec) { s.Process.ExecCPUAffinity = &specs.CPUAffinity{Final: "0"} },
			runner: ByRuntime, reason: "process.execCPUAffinity",
		},
	} {
		t.Run(name, func(t *testing.T) {
			runcPath, _ := binaries(t)
			if tc.runtime != nil {
				runcPath = tc.runtime(t)
			}
			c := startContainerOf(t, runcPath, tc.edit)
			told := choosing(c)
			for range 2 {
				got := c.hook("sh", "-c", "echo $COLOUR; exit 7")
				if got.Runner != tc.runner || got.ExitCode != 7 || string(got.Stdout) != "blue\n" || !strings.Contains(got.RunnerReason, tc.reason) {
					t.Errorf("got %+v, want runner %s", got, tc.runner)
				}
			}
			if len(*told) != 2 || (*told)[0] != tc.runner || !strings.Contains((*told)[1], tc.reason) {
				t.Errorf("told %q, want %s once, because of %q", *told, tc.runner, tc.reason)
			}
		})
	}
}

// ignorant is a runtime to which the container's cgroup is what it always is.
const ignorant = `#!/bin/sh
exec unshare --mount sh -c 'while umount -l %s 2>/dev/null; do :; done; exec %s "$@"' runc "$@"
`

// A runtime that starts the hook elsewhere in spite of all: it is moved, and its
// tree dies.
func TestRunnerMovesAHookThatItsRuntimeStartsOutsideItsCgroup(t *testing.T) {
	c := startContainer(t, nil)
	wrapper := filepath.Join(c.Bundle, "ignorant")
	must(t, os.WriteFile(wrapper+".new", fmt.Appendf(nil, ignorant, c.Cgroup.dir, c.runc), 0o755))
	must(t, exec.Command("cp", wrapper+".new", wrapper).Run())
	c.Runner = ownRuntime(t, wrapper)
	ctx, cancel := context.WithCancelCause(t.Context())
	// The daemon comes after the move, of which the hook learns by its cgroup.
	done := c.start(ctx, c.handler(&hooks.Exec{Command: []string{"sh", "-c", `
until grep -q '/bookend-[0-9]*$' /proc/self/cgroup; do sleep 0.01; done
setsid sleep 1001 & touch /scratch/ready; sleep 1002`}}))
	cancel(errCut)
	c.await(done)
	if left := c.running("100"); len(left) != 0 || len(c.hookCgroups()) != 0 {
		t.Errorf("left: %v in %v", left, c.hookCgroups())
	}
}

// talker is a runtime that closes nothing that it inherits, and lists that.
const talker = `#!/bin/sh
for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && readlink /proc/$$/fd/$fd; done >%s
exec %s "$@"
`

// A runtime inherits the hook's output and nothing of bookend-exec's: a hook that
// got the status pipe could tell of its own end.
func TestRunnerGivesItsRuntimeNoDescriptorOfItsOwn(t *testing.T) {
	c := startContainer(t, nil)
	wrapper, list := filepath.Join(c.Bundle, "talker"), filepath.Join(c.Bundle, "descriptors")
	must(t, os.WriteFile(wrapper+".new", fmt.Appendf(nil, talker, list, c.runc), 0o755))
	must(t, exec.Command("cp", wrapper+".new", wrapper).Run())
	c.Runner = ownRuntime(t, wrapper)
	wantReport(t, c.hook("true"), hooks.Report{})
	data, err := os.ReadFile(list)
	must(t, err)
	if strings.Contains(string(data), "pipe:") {
		t.Errorf("the runtime has\n%s", data)
	}
}

// The runtime that is not there is told of as the hook's failure.
func TestRunnerWithoutItsBinary(t *testing.T) {
	c := startContainer(t, nil)
	c.Runner = ownRuntime(t, filepath.Join(c.Bundle, "none"))
	got := c.hook("true")
	wantReport(t, got, hooks.Report{Cause: hooks.CauseCannotStart, Suspect: true})
}

func TestRunnerFindsItsBinaryOnPath(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "runc"), nil, 0o755))
	t.Setenv("PATH", dir)
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	got := NewRunner(RunnerOptions{SystemdCgroup: true}).request(Container{RuncRoot: "/run/x", Init: pidOnly(7)}, nil)
	if got.Path != filepath.Join(dir, "runc") || !slices.Equal(got.Args, []string{"--root", "/run/x", "--systemd-cgroup"}) || got.Init != 7 {
		t.Errorf("got %+v", got)
	}
	if slices.ContainsFunc(got.Env, func(v string) bool { return strings.HasPrefix(v, "NOTIFY_SOCKET") }) || !slices.Contains(got.Env, "PATH="+dir) {
		t.Errorf("environment %q", got.Env)
	}
}
