package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	runc "github.com/containerd/go-runc"
	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/hooks"
)

func TestExecFloodOfOutputKeepsTheTail(t *testing.T) {
	c := startContainer(t, nil)
	got := c.hook("sh", "-c", "yes | head -c 10000000; seq 1 100000 >&2; echo last")
	if got.Cause != "" || len(got.Stdout) != outputTail || !bytes.HasSuffix(got.Stdout, []byte("y\ny\nlast\n")) {
		t.Errorf("stdout: %d bytes ending in %q (%v)", len(got.Stdout), end(got.Stdout), got.Err)
	}
	if len(got.Stderr) != outputTail || !bytes.HasSuffix(got.Stderr, []byte("\n99999\n100000\n")) {
		t.Errorf("stderr: %d bytes ending in %q", len(got.Stderr), end(got.Stderr))
	}
}

func end(b []byte) []byte { return b[max(0, len(b)-20):] }

// All that is written before the end belongs to the report, however little
// time there was to read it.
func TestExecReportHasTheLastWord(t *testing.T) {
	c := startContainer(t, nil)
	for i := range 50 {
		want := fmt.Sprintf("%d %s\n", i, strings.Repeat("x", 30000))
		if got := c.hook("echo", strings.TrimSuffix(want, "\n")); string(got.Stdout) != want {
			t.Fatalf("run %d: got %d bytes, want %d (%v)", i, len(got.Stdout), len(want), got.Err)
		}
	}
}

// A hook has ended when its first process has, though a child holds the
// output; what the child prints in the next second is offered apart, and
// printing after that does not kill it.
func TestExecDoesNotWaitForChildrenThatHoldTheOutput(t *testing.T) {
	c := startContainer(t, nil)
	must(t, exec.Command("mkfifo", filepath.Join(c.rootfs, "scratch/one"), filepath.Join(c.rootfs, "scratch/two")).Run())
	handler := c.executor.Handler(c.Container, &hooks.Exec{Command: []string{"sh", "-c", `
echo before
(read x </scratch/one; echo soon; read x </scratch/two; yes | head -c 300000 && echo still && echo alive >/scratch/wrote) &
exit 0`}}, nil)
	report := handler.Run(t.Context())
	wantReport(t, report, hooks.Report{Stdout: []byte("before\n")})
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/one"), []byte("\n"), 0))
	wantLate(t, report, "before\nsoon\n")
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/two"), []byte("\n"), 0))
	eventually(t, "the end of the child that prints more than a pipe holds", func() bool {
		got, _ := os.ReadFile(filepath.Join(c.rootfs, "scratch/wrote"))
		return string(got) == "alive\n"
	})
}

// wantLate waits for the late output of a report, and for the end of it.
func wantLate(t *testing.T, r hooks.Report, want string) {
	t.Helper()
	if r.Late == nil {
		t.Fatal("no late output is promised")
	}
	if got := <-r.Late; string(got.Stdout) != want {
		t.Errorf("late output %q, want %q", got.Stdout, want)
	}
	if more, open := <-r.Late; open {
		t.Errorf("late output comes twice: %q", more.Stdout)
	}
}

// No late report where nobody can print any more.
func TestExecWithoutChildrenIsNotReportedTwice(t *testing.T) {
	c := startContainer(t, nil)
	handler := c.executor.Handler(c.Container, &hooks.Exec{Command: []string{"echo", "hello"}}, nil)
	report := handler.Run(t.Context())
	wantReport(t, report, hooks.Report{Stdout: []byte("hello\n")})
	if report.Late != nil {
		t.Error("late output is promised")
	}
}

func TestExecSucceededLeavesItsChildrenAndTheirCgroupToTheContainer(t *testing.T) {
	for name, edit := range map[string]func(*specs.Spec){"own pid namespace": nil, "host pid namespace": withoutPIDNamespace} {
		t.Run(name, func(t *testing.T) {
			c := startContainer(t, edit)
			wantReport(t, c.hook("sh", "-c", "setsid sleep 1001 & exit 0"), hooks.Report{})
			eventually(t, "the child", func() bool { return len(c.running("1001")) == 1 && len(c.hookCgroups()) == 1 })
			c.runcDo("kill", c.ID, "KILL")
			eventually(t, "the init's death, of which runc knows", func() bool {
				return exec.Command(c.runc, "--root", c.RuncRoot, "delete", c.ID).Run() == nil
			})
			if live := c.running("1001"); len(live) != 0 {
				t.Errorf("running after delete: %v", live)
			}
			if _, err := os.Stat(c.Cgroup.dir); !os.IsNotExist(err) {
				t.Errorf("cgroup after delete: %v", err)
			}
		})
	}
}

// The binary that was opened runs, whatever is put in its place.
func TestExecutorOutlivesItsReplacement(t *testing.T) {
	c := startContainer(t, nil)
	c.Runner = ownRuntime(t, c.runc)
	_, original := binaries(t)
	path := filepath.Join(c.Bundle, "bookend-exec")
	must(t, exec.Command("cp", original, path).Run())
	executor := OpenExecutor(path, runc.Monitor)
	defer executor.Close()
	must(t, os.WriteFile(path+".new", []byte("#!/bin/false\n"), 0o755))
	must(t, os.Rename(path+".new", path))
	handler := executor.Handler(c.Container, &hooks.Exec{Command: []string{"echo", "hello"}}, nil)
	wantReport(t, handler.Run(t.Context()), hooks.Report{Stdout: []byte("hello\n")})
}

// Without bookend-exec only what needs it fails, and says why.
func TestExecutorWithoutItsHelper(t *testing.T) {
	c := startContainer(t, nil)
	path := filepath.Join(c.Bundle, "bookend-exec")
	for _, tc := range []struct {
		name    string
		prepare func()
		want    error
	}{
		{"missing", func() {}, fs.ErrNotExist},
		{"not executable", func() { must(t, os.WriteFile(path, nil, 0o644)) }, fs.ErrPermission},
	} {
		tc.prepare()
		executor := OpenExecutor(path, runc.Monitor)
		run := func(r *Runner) hooks.Report {
			container := c.Container
			container.Runner = r
			return executor.Handler(container, &hooks.Exec{Command: []string{"true"}}, nil).Run(t.Context())
		}
		if os.Getenv("BOOKEND_TEST_RUNNER") != ByRuntime {
			wantReport(t, run(runnerUnderTest(t, c.runc)), hooks.Report{})
		}
		if got := run(ownRuntime(t, c.runc)); got.Cause != hooks.CauseCannotStart || got.Suspect || !errors.Is(got.Err, tc.want) {
			t.Errorf("%s: got %+v", tc.name, got)
		}
		must(t, executor.Close())
	}
}
