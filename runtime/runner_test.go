package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/wire"
)

// runnerUnderTest is how the hooks of the exec tests get into their
// containers: BOOKEND_TEST_RUNNER, which is set where this test binary runs
// itself again for another runtime; libcontainer otherwise.
func runnerUnderTest(t testing.TB, binary string) *Runner {
	switch name := os.Getenv("BOOKEND_TEST_RUNNER"); name {
	case "":
		return nil
	case wire.OwnRuntime:
		r := NewRunner(binary, false, func(string, string) { t.Error("chosen twice") })
		r.choice.Runner = wire.OwnRuntime
		return r
	default:
		t.Fatalf("BOOKEND_TEST_RUNNER=%s", name)
		return nil
	}
}

// crunOnHybrid runs crun where cgroup v2 has controllers beside those of v1, a
// machine that crun refuses.
const crunOnHybrid = `#!/bin/sh
exec unshare --mount sh -c 'umount -l /sys/fs/cgroup/unified; exec crun "$@"' crun "$@"
`

// crun returns the path of crun, or skips the test.
func crun(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("crun")
	if err != nil {
		t.Skipf("needs crun: %v", err)
	}
	controllers, err := os.ReadFile("/sys/fs/cgroup/unified/cgroup.controllers")
	if err != nil || len(strings.TrimSpace(string(controllers))) == 0 {
		return path
	}
	wrapper := filepath.Join(t.TempDir(), "crun")
	must(t, os.WriteFile(wrapper+".new", []byte(crunOnHybrid), 0o755))
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
		"crun":                crun,
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(self, "-test.run", "^TestExec", "-test.v", "-test.timeout", "8m")
			cmd.Env = append(os.Environ(), "BOOKEND_TEST_RUNC="+path(t), "BOOKEND_TEST_RUNNER="+wire.OwnRuntime)
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
	c.Runner = NewRunner(c.runc, false, func(runner, reason string) { *told = append(*told, runner, reason) })
	return told
}

func TestRunnerIsChosenByTheStateThatTheRuntimeKeeps(t *testing.T) {
	for name, tc := range map[string]struct {
		runtime func(*testing.T) string // nil: runc at our version
		change  func(state map[string]any)
		runner  string
		reason  string
	}{
		"runc at our version": {runner: wire.Libcontainer, reason: "knows all"},
		"crun":                {runtime: crun, runner: wire.OwnRuntime, reason: "not runc"},
		"an unknown field": {
			change: func(s map[string]any) { s["sandbox_level"] = 3 },
			runner: wire.OwnRuntime, reason: `unknown field "sandbox_level"`,
		},
		"an unknown field of the configuration": {
			change: func(s map[string]any) { s["config"].(map[string]any)["landlock"] = map[string]any{"rules": 1} },
			runner: wire.OwnRuntime, reason: `unknown field "landlock"`,
		},
		"an unknown namespace": {
			change: func(s map[string]any) { s["namespace_paths"].(map[string]any)["NEWMOON"] = "/proc/1/ns/net" },
			runner: wire.OwnRuntime, reason: "NEWMOON",
		},
	} {
		t.Run(name, func(t *testing.T) {
			runcPath, _ := binaries(t)
			if tc.runtime != nil {
				runcPath = tc.runtime(t)
			}
			c := startContainerOf(t, runcPath, nil)
			told := choosing(c)
			if tc.change != nil {
				changeState(c, tc.change)
			}
			if name := c.Runner.Name(); name != "" {
				t.Errorf("before the first hook: %q", name)
			}
			for range 2 {
				got := c.hook("sh", "-c", "echo $COLOUR; exit 7")
				if got.Runner != tc.runner || got.ExitCode != 7 || string(got.Stdout) != "blue\n" {
					t.Errorf("got %+v, want runner %s", got, tc.runner)
				}
				// Whatever becomes of the state: the choice is the container's.
				if tc.change != nil {
					changeState(c, func(s map[string]any) { maps.DeleteFunc(s, func(k string, _ any) bool { return k == "sandbox_level" }) })
				}
			}
			if len(*told) != 2 || (*told)[0] != tc.runner || !strings.Contains((*told)[1], tc.reason) {
				t.Errorf("told %q, want %s once, because of %q", *told, tc.runner, tc.reason)
			}
		})
	}
}

// A runc of any version: hooks run, one way or the other.
func TestRunnerOfAnInstalledRunc(t *testing.T) {
	c := startContainerOf(t, debianRunc(t), confined)
	told := choosing(c)
	got := c.hook("sh", "-c", "id -u; mkdir /scratch/x")
	if string(got.Stdout) != "1234\n" || got.ExitCode != 1 {
		t.Errorf("got %+v", got)
	}
	t.Log(*told)
}

// changeState edits state.json as a runc that knows more would write it.
func changeState(c *testContainer, change func(map[string]any)) {
	c.Helper()
	path := filepath.Join(c.RuncRoot, c.ID, "state.json")
	data, err := os.ReadFile(path)
	must(c, err)
	var state map[string]any
	must(c, json.Unmarshal(data, &state))
	change(state)
	data, err = json.Marshal(state)
	must(c, err)
	must(c, os.WriteFile(path, data, 0o600))
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
	c.Runner = NewRunner(wrapper, false, func(string, string) {})
	c.Runner.choice.Runner = wire.OwnRuntime
	ctx, cancel := context.WithCancelCause(t.Context())
	// The daemon comes after the move, of which the hook learns by its cgroup.
	done := c.start(ctx, c.handler(&hooks.Exec{Command: []string{"sh", "-c", `
until grep -q '/bookend-[a-z2-7]\{10\}$' /proc/self/cgroup; do sleep 0.01; done
setsid sleep 1001 & touch /scratch/ready; sleep 1002`}}))
	cancel(errCut)
	c.await(done)
	if left := c.running("100"); len(left) != 0 || len(c.hookCgroups()) != 0 {
		t.Errorf("left: %v in %v", left, c.hookCgroups())
	}
}

// The runtime that is not there is told of as the hook's failure.
func TestRunnerWithoutItsBinary(t *testing.T) {
	c := startContainer(t, nil)
	c.Runner = NewRunner(filepath.Join(c.Bundle, "none"), false, func(string, string) {})
	c.Runner.choice.Runner = wire.OwnRuntime
	got := c.hook("true")
	wantReport(t, got, hooks.Report{Cause: hooks.CauseCannotStart, Suspect: true})
}

func TestRunnerFindsItsBinaryOnPath(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "runc"), nil, 0o755))
	t.Setenv("PATH", dir)
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	got := NewRunner("", true, nil).request(Container{RuncRoot: "/run/x", Init: Init{Pid: 7}}, nil)
	if got.Path != filepath.Join(dir, "runc") || !slices.Equal(got.Args, []string{"--root", "/run/x", "--systemd-cgroup"}) || got.Init != 7 {
		t.Errorf("got %+v", got)
	}
	if slices.ContainsFunc(got.Env, func(v string) bool { return strings.HasPrefix(v, "NOTIFY_SOCKET") }) || !slices.Contains(got.Env, "PATH="+dir) {
		t.Errorf("environment %q", got.Env)
	}
	if NewRunner("", false, nil).Name() != "" || (*Runner)(nil).Name() != wire.Libcontainer {
		t.Error("chosen without a hook")
	}
}
