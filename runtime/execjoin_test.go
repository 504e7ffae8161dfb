package runtime

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/joiner"
	"bookend.dev/bookend/runtime/wire"
)

// Steps of the joiner that have no name in Go.
const (
	sessionStep    = joiner.JoinCgroup + 1
	seccompStep    = joiner.Stdin + 2
	cwdOutside     = joiner.Cwd + 1
	lookUpRelative = joiner.LookUp + 1
)

func failedAt(step joiner.Step, errno syscall.Errno) joiner.News {
	return joiner.News{Kind: joiner.Failed, Step: step, Errno: errno}
}

func ended(status int, neverRan bool) joiner.News {
	return joiner.News{Kind: joiner.Ended, Status: syscall.WaitStatus(status), NeverRan: neverRan}
}

// What the joiner tells of a hook is, in a report, what the runtime's own exec
// would have come to.
func TestWhatTheJoinerTellsBecomesAReport(t *testing.T) {
	const exited, coreDumped = 8, 0x80
	for _, tc := range []struct {
		news    joiner.News
		cause   hooks.Cause
		code    int
		signal  syscall.Signal
		suspect bool
	}{
		{news: ended(0, false)},
		{news: ended(1<<exited, false), cause: hooks.CauseExitCode, code: 1},
		{news: ended(126<<exited, false), cause: hooks.CauseExitCode, code: 126},
		{news: ended(255<<exited, false), cause: hooks.CauseExitCode, code: 255},
		{news: ended(9, false), cause: hooks.CauseSignal, signal: unix.SIGKILL, suspect: true},
		{news: ended(11|coreDumped, false), cause: hooks.CauseSignal, signal: unix.SIGSEGV, suspect: true},
		{news: ended(31|coreDumped, false), cause: hooks.CauseSignal, signal: unix.SIGSYS, suspect: true},
		// Before the command ran: its profile, its container's or nobody's doing.
		{news: ended(31|coreDumped, true), cause: hooks.CauseCannotStart, suspect: true},
		{news: ended(31, true), cause: hooks.CauseCannotStart, suspect: true},
		{news: ended(1<<exited, true), cause: hooks.CauseCannotStart, suspect: true},
		{news: ended(0, true), cause: hooks.CauseCannotStart, suspect: true},
		{news: ended(9, true), cause: hooks.CauseSignal, signal: unix.SIGKILL, suspect: true},

		{news: failedAt(joiner.OpenInit, unix.ESRCH), cause: hooks.CauseGone, suspect: true},
		{news: failedAt(joiner.CheckInit, unix.ESRCH), cause: hooks.CauseGone, suspect: true},
		{news: failedAt(joiner.JoinNamespaces, unix.ESRCH), cause: hooks.CauseGone, suspect: true},
		{news: failedAt(joiner.JoinCgroup, unix.ESRCH), cause: hooks.CauseCannotStart, suspect: true},
		{news: failedAt(joiner.OpenInit, unix.EMFILE), cause: hooks.CauseCannotStart, suspect: true},
		{news: failedAt(joiner.JoinNamespaces, unix.ENOENT), cause: hooks.CauseCannotStart, suspect: true},
		{news: failedAt(joiner.Stdin, unix.EBADF), cause: hooks.CauseCannotStart, suspect: true},
		{news: failedAt(seccompStep, unix.EACCES), cause: hooks.CauseCannotStart, suspect: true},

		{news: failedAt(joiner.Cwd, unix.ENOENT), cause: hooks.CauseNotFound},
		{news: failedAt(joiner.Cwd, unix.ENOTDIR), cause: hooks.CauseNotFound},
		{news: failedAt(joiner.Cwd, unix.EACCES), cause: hooks.CausePermission},
		{news: failedAt(joiner.Cwd, unix.ELOOP), cause: hooks.CauseCannotStart, suspect: true},
		{news: failedAt(cwdOutside, 0), cause: hooks.CauseCannotStart, suspect: true},
		{news: failedAt(joiner.LookUp, unix.ENOENT), cause: hooks.CauseNotFound},
		{news: failedAt(joiner.LookUp, unix.ENOTDIR), cause: hooks.CauseNotFound},
		{news: failedAt(joiner.LookUp, unix.EACCES), cause: hooks.CausePermission},
		{news: failedAt(joiner.LookUp, unix.EISDIR), cause: hooks.CausePermission},
		{news: failedAt(lookUpRelative, 0), cause: hooks.CauseCannotStart, suspect: true},
		{news: failedAt(joiner.Exec, unix.ENOENT), cause: hooks.CauseNotFound},
		{news: failedAt(joiner.Exec, unix.EACCES), cause: hooks.CausePermission},
		{news: failedAt(joiner.Exec, unix.EPERM), cause: hooks.CausePermission},
		{news: failedAt(joiner.Exec, unix.ENOEXEC), cause: hooks.CauseBadFormat},
		{news: failedAt(joiner.Exec, unix.E2BIG), cause: hooks.CauseCannotStart, suspect: true},
		{news: failedAt(joiner.Exec, unix.ETXTBSY), cause: hooks.CauseCannotStart, suspect: true},
		{news: failedAt(joiner.Exec, unix.ENOMEM), cause: hooks.CauseCannotStart, suspect: true},
	} {
		r := toldRun(t, tc.news)
		got := r.report(t.Context())
		if got.Cause != tc.cause || got.ExitCode != tc.code || got.Signal != tc.signal || got.Suspect != tc.suspect || (got.Err == nil) != (tc.cause == "") {
			t.Errorf("%+v:\ngot  %+v\nwant cause %q, code %d, signal %d, suspect %v", tc.news, got, tc.cause, tc.code, tc.signal, tc.suspect)
		}
		if want := messageOf(tc.news, &joiner.Plan{Args: []string{"x"}, Cwd: "/w"}); tc.news.Kind == joiner.Failed && got.Err != nil && got.Err.Error() != want {
			t.Errorf("%+v: says %q, want %q", tc.news, got.Err, want)
		}
		// Output of what was not the command is not the hook's.
		if want := tc.news.Kind == joiner.Failed || tc.news.NeverRan && got.Cause == hooks.CauseCannotStart; r.failed() != want {
			t.Errorf("%+v: certainly not run: %v, want %v", tc.news, r.failed(), want)
		}
	}
}

func TestStartedIsNoLastWord(t *testing.T) {
	s := statusOf(joiner.News{Kind: joiner.Started, Pid: 77}, &joiner.Plan{})
	if s.Pid != 77 || s.Exit != nil || s.Failure != nil {
		t.Errorf("got %+v", s)
	}
}

// toldRun is a run of which the joiner has told n, of a container whose init is
// this process' parent, which lives.
func toldRun(t *testing.T, n joiner.News) *execRun {
	t.Helper()
	init, err := ReadInit(unix.Getppid())
	must(t, err)
	r := &execRun{container: Container{Init: init}, done: make(chan struct{}), step: n.Step, last: statusOf(n, &joiner.Plan{Args: []string{"x"}, Cwd: "/w"})}
	if n.Kind == joiner.Ended || n.Step > joiner.JoinCgroup {
		r.pid = 4194305 // above any pid
	}
	close(r.done)
	return r
}

// A failure before anything was in the container is no report but the reason to
// go another way, unless the container is gone.
func TestWhichFailuresOfTheJoinerAreOutside(t *testing.T) {
	gone := pidOnly(4194305)
	for step := joiner.Step(1); step <= joiner.Exec; step++ {
		for _, errno := range []syscall.Errno{0, unix.EPERM, unix.ESRCH, unix.ENOENT} {
			n := failedAt(step, errno)
			r := toldRun(t, n)
			if err := r.outside(); (err != nil) != (step <= joiner.JoinCgroup && !n.Gone()) {
				t.Errorf("%v: outside: %v", n, err)
			} else if err != nil && err.Error() != "the joiner: "+n.Error() {
				t.Errorf("%v: outside: %v", n, err)
			}
			if r.wants(joiner.Stdin) != (step == joiner.Stdin) {
				t.Errorf("%v: wants another stdin: %v", n, r.wants(joiner.Stdin))
			}
			r = toldRun(t, n)
			r.container.Init = gone
			if err := r.outside(); err != nil {
				t.Errorf("%v, container gone: outside: %v", n, err)
			}
			if got := r.report(t.Context()); step <= joiner.JoinCgroup && got.Cause != hooks.CauseGone {
				t.Errorf("%v, container gone: %+v", n, got)
			}
		}
	}
}

func TestOutsideWithoutAWord(t *testing.T) {
	r := toldRun(t, ended(0, false))
	r.last = wire.Status{}
	if err := r.outside(); err != nil {
		t.Errorf("of a hook that was started: %v", err)
	}
	r.pid, r.status = 0, 139
	if err := r.outside(); err == nil || !strings.Contains(err.Error(), "status 139") {
		t.Errorf("of a joiner that died first: %v", err)
	}
	if r.wants(0) {
		t.Error("a joiner that died wants something")
	}
	busy := toldRun(t, failedAt(joiner.Stdin, unix.EBADF))
	busy.done = make(chan struct{})
	if err := busy.outside(); err != nil || busy.wants(joiner.Stdin) {
		t.Error(fmt.Errorf("of a joiner that works: %w", err))
	}
}

// The record names what the hook's author wrote, as runc's exec does.
func TestAFailureNamesTheCommandOrTheDirectory(t *testing.T) {
	for _, tc := range []struct {
		news joiner.News
		bare bool
		want string
	}{
		{joiner.News{Kind: joiner.Failed, Step: joiner.LookUp, Errno: unix.ENOENT}, true, `exec: "x": executable file not found in $PATH`},
		{joiner.News{Kind: joiner.Failed, Step: joiner.LookUp, Errno: unix.EACCES}, false, `exec: "x": permission denied`},
		{joiner.News{Kind: joiner.Failed, Step: joiner.LookUp + 1}, true, `"x": exec: cannot run executable found relative to current directory`},
		{joiner.News{Kind: joiner.Failed, Step: joiner.Exec, Errno: unix.ENOEXEC}, false, `exec: "x": exec format error`},
		{joiner.News{Kind: joiner.Failed, Step: joiner.Cwd, Errno: unix.ENOENT}, false, `chdir to "/w": no such file or directory`},
		{joiner.News{Kind: joiner.Failed, Step: joiner.JoinNamespaces, Errno: unix.EPERM}, false, "join namespaces: operation not permitted"},
	} {
		if got := messageOf(tc.news, &joiner.Plan{Args: []string{"x"}, Cwd: "/w", BareName: tc.bare}); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.news, got, tc.want)
		}
	}
}
