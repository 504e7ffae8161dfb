package runtime

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
)

func TestExecReportsHowTheCommandEnded(t *testing.T) {
	c := startContainer(t, nil)
	for _, tc := range []struct {
		script string
		want   hooks.Report
	}{
		{"exit 0", hooks.Report{}},
		{"echo out; echo err >&2", hooks.Report{Stdout: []byte("out\n"), Stderr: []byte("err\n")}},
		{"echo partly; exit 3", hooks.Report{Cause: hooks.CauseExitCode, ExitCode: 3, Stdout: []byte("partly\n")}},
		{"exit 255", hooks.Report{Cause: hooks.CauseExitCode, ExitCode: 255}},
		{"kill -9 $$", hooks.Report{Cause: hooks.CauseSignal, Signal: syscall.SIGKILL, Suspect: true}},
		{"kill -15 $$", hooks.Report{Cause: hooks.CauseSignal, Signal: syscall.SIGTERM, Suspect: true}},
	} {
		t.Run(tc.script, func(t *testing.T) {
			got := c.hook("sh", "-c", tc.script)
			wantReport(t, got, tc.want)
			if left := c.hookCgroups(); len(left) != 0 {
				t.Errorf("cgroups left: %v", left)
			}
		})
	}
}

func TestExecTellsWhyACommandCannotRun(t *testing.T) {
	c := startContainer(t, nil)
	for _, tc := range []struct {
		name string
		spec hooks.Exec
		want hooks.Cause
	}{
		{"not on PATH", hooks.Exec{Command: []string{"nothing"}}, hooks.CauseNotFound},
		{"no such file", hooks.Exec{Command: []string{"/no/such: file"}}, hooks.CauseNotFound},
		{"below a file", hooks.Exec{Command: []string{"/scratch/plain/x"}}, hooks.CauseNotFound},
		{"not executable", hooks.Exec{Command: []string{"/scratch/plain"}}, hooks.CausePermission},
		{"a directory", hooks.Exec{Command: []string{"/scratch"}}, hooks.CausePermission},
		{"no program", hooks.Exec{Command: []string{"/scratch/data"}}, hooks.CauseBadFormat},
		{"no program, relative", hooks.Exec{Command: []string{"./data"}, WorkingDir: "/scratch"}, hooks.CauseBadFormat},
		{"no interpreter", hooks.Exec{Command: []string{"/scratch/noterp"}}, hooks.CauseNotFound},
		{"no such directory", hooks.Exec{Command: []string{"true"}, WorkingDir: "/none"}, hooks.CauseNotFound},
		{"directory is a file", hooks.Exec{Command: []string{"true"}, WorkingDir: "/scratch/plain"}, hooks.CauseNotFound},
		{"empty name", hooks.Exec{Command: []string{""}}, hooks.CauseNotFound},
		{"no such user", hooks.Exec{Command: []string{"true"}, User: "nobody-here"}, hooks.CauseCannotStart},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := c.handler(&tc.spec).Run(t.Context())
			if got.Cause != tc.want || got.Suspect || got.Err == nil {
				t.Errorf("got cause %q, suspect %v, error %v; want cause %q and an error", got.Cause, got.Suspect, got.Err, tc.want)
			}
			t.Log(got.Err)
			if left := c.hookCgroups(); len(left) != 0 {
				t.Errorf("cgroups left: %v", left)
			}
		})
	}
}

// A command may print what a failed execve prints; that it ran decides.
func TestExecIsNotFooledByOutputOfTheCommand(t *testing.T) {
	c := startContainer(t, nil)
	got := c.hook("sh", "-c", "echo 'exec /bin/x: exec format error' >&2; exit 255")
	wantReport(t, got, hooks.Report{Cause: hooks.CauseExitCode, ExitCode: 255, Stderr: []byte("exec /bin/x: exec format error\n")})
}

func wantReport(t *testing.T, got, want hooks.Report) {
	t.Helper()
	if got.Cause != want.Cause || got.ExitCode != want.ExitCode || got.Signal != want.Signal || got.Suspect != want.Suspect ||
		string(got.Stdout) != string(want.Stdout) || string(got.Stderr) != string(want.Stderr) {
		t.Errorf("got  %+v (%s)\nwant %+v", got, strings.TrimSpace(string(got.Stderr)), want)
	}
	if (got.Err != nil) != (want.Cause != "") {
		t.Errorf("cause %q with error %v", got.Cause, got.Err)
	}
}

// A container may be paused after a hook was found to be runnable.
func TestExecCallsNoRuntimeInAPausedContainer(t *testing.T) {
	c := startContainer(t, nil)
	c.runcDo("pause", c.ID)
	defer c.runcDo("resume", c.ID)
	h := &execHandler{executor: c.executor, container: c.Container, spec: &hooks.Exec{Command: []string{"true"}}}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second) // runc would wait
	defer stop()
	if got := h.callRuntime(ctx, nil); got.Cause != hooks.CausePaused {
		t.Errorf("got %+v", got)
	}
}
