package runtime

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/internal/stepper"
)

// afterLoad collects the system calls that a process makes between the load of
// a seccomp program and the execution of the next one: all of them are subject
// to it. Marked are the thread that has loaded, and what it makes: no load
// asks for the other threads of a process.
type afterLoad struct {
	mu    sync.Mutex
	calls map[string]bool
	execs map[int]int // by pid, when the program was loaded
}

func newAfterLoad() *afterLoad { return &afterLoad{calls: map[string]bool{}, execs: map[int]int{}} }

func (l *afterLoad) visit(s *stepper.Step) stepper.Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, known := l.execs[s.Pid]
	switch {
	case s.Mark && known && s.Execs > at:
		return stepper.Release
	case s.Return && s.Result == 0 && loads(s):
		s.Mark, l.execs[s.Pid] = true, s.Execs
	case s.Mark && !s.Return:
		if !known {
			l.execs[s.Pid] = s.Execs
		}
		l.calls[stepper.Name(s.Nr)] = true
	}
	return stepper.Continue
}

// loads tells whether a call loads a program.
func loads(s *stepper.Step) bool {
	return s.Nr == unix.SYS_SECCOMP && s.Args[0] == unix.SECCOMP_SET_MODE_FILTER ||
		s.Nr == unix.SYS_PRCTL && s.Args[0] == unix.PR_SET_SECCOMP
}

// list is the names, sorted.
func (l *afterLoad) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name := range l.calls {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// callsOfHook are those of a hook's process.
func (c *testContainer) callsOfHook(command ...string) []string {
	c.Helper()
	l := newAfterLoad()
	m := newStepped(l.visit)
	m.tracer.Returns, m.tracer.Visit = true, l.visit
	c.executor.monitor = m
	if got := c.tried(command...); got.Err != nil {
		c.Errorf("hook: %v", got.Err)
	}
	return l.list()
}

// callsOfRuntime are those of the process that `runc exec` makes.
func (c *testContainer) callsOfRuntime(command ...string) []string {
	c.Helper()
	spec := c.spec()
	spec.Process.Args = command
	data, err := json.Marshal(spec.Process)
	must(c, err)
	file := filepath.Join(c.Bundle, "process.json")
	must(c, os.WriteFile(file, data, 0o600))
	l := newAfterLoad()
	tracer := &stepper.Stepper{Returns: true, Deadline: attackBound, Visit: l.visit}
	ended, err := tracer.Start(exec.Command(c.runc, "--root", c.RuncRoot, "exec", "--process", file, c.ID))
	must(c, err)
	if e := <-ended; e.Err != nil || e.Status.ExitStatus() != 0 {
		c.Errorf("runc exec: %+v", e)
	}
	return l.list()
}

// spec is the container's configuration.
func (c *testContainer) spec() *specs.Spec {
	c.Helper()
	data, err := os.ReadFile(filepath.Join(c.Bundle, "config.json"))
	must(c, err)
	var spec specs.Spec
	must(c, json.Unmarshal(data, &spec))
	return &spec
}

// noLock is a profile that allows everything but a call that nobody makes.
func noLock() *specs.LinuxSeccomp {
	return &specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow,
		Syscalls:      []specs.LinuxSyscall{{Names: []string{"mlock2"}, Action: specs.ActErrno}},
	}
}

// What a hook's process does under its profile is part of what `runc exec`
// does there: a profile that lets the one through does so with the other.
func TestSeccompCallsAreThoseOfTheRuntime(t *testing.T) {
	cwd, group := "/scratch", uint32(50)
	for name, edit := range map[string]func(*specs.Spec){
		"root":            func(*specs.Spec) {},
		"no_new_privs":    func(s *specs.Spec) { s.Process.NoNewPrivileges = true },
		"no capabilities": func(s *specs.Spec) { s.Process.Capabilities = nil },
		"user": func(s *specs.Spec) {
			s.Process.User = specs.User{UID: 1234, GID: 2345, AdditionalGids: []uint32{group}}
		},
		"directory": func(s *specs.Spec) { s.Process.Cwd = cwd },
		"home":      func(s *specs.Spec) { s.Process.Env = append(s.Process.Env, "HOME=/scratch") },
		"user, no_new_privs, ambient": func(s *specs.Spec) {
			s.Process.User = specs.User{UID: 1234, GID: 2345}
			s.Process.NoNewPrivileges = true
			s.Process.Capabilities.Inheritable = []string{"CAP_KILL"}
			s.Process.Capabilities.Ambient = []string{"CAP_KILL"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := startContainer(t, func(s *specs.Spec) { s.Linux.Seccomp = noLock(); edit(s) })
			ours, theirs := c.callsOfHook("true"), c.callsOfRuntime("true")
			if len(ours) == 0 || len(theirs) == 0 {
				t.Fatalf("nothing seen after the load: %v, %v", ours, theirs)
			}
			t.Logf("the hook: %s", strings.Join(ours, " "))
			for _, call := range ours {
				if !slices.Contains(theirs, call) {
					t.Errorf("runc exec makes no %s after the load, only %s", call, strings.Join(theirs, " "))
				}
			}
		})
	}
}

// kills is a profile that kills whoever makes one of the calls.
func kills(action specs.LinuxSeccompAction, calls ...string) *specs.LinuxSeccomp {
	return &specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow,
		Syscalls:      []specs.LinuxSyscall{{Names: calls, Action: action}},
	}
}

// A profile that kills the hook's process before it is the command does not
// make that a signal of the command's, or an exit. The runtime, which is asked
// next, knows of no profile here: no container lives under these.
func TestSeccompThatKillsIsNotTheCommandsEnd(t *testing.T) {
	for _, nnp := range []bool{false, true} {
		for _, action := range []specs.LinuxSeccompAction{specs.ActKillProcess, specs.ActKillThread} {
			for _, call := range []string{"setgroups", "capset", "getcwd", "execve"} {
				t.Run(fmt.Sprintf("%s %s no_new_privs=%v", call, action, nnp), func(t *testing.T) {
					c := startContainer(t, nil)
					c.reconfigure(func(s *specs.Spec) {
						s.Process.NoNewPrivileges = nnp
						s.Process.User.AdditionalGids = []uint32{50}
						s.Linux.Seccomp = kills(action, call)
					})
					var reasons []string
					c.Runner.Told = func(_, reason string) { reasons = append(reasons, reason) }
					got := c.tried("touch", "/scratch/ran")
					wantReport(t, got, hooks.Report{})
					killed := slices.ContainsFunc(reasons, func(r string) bool { return strings.Contains(r, "seccomp profile") })
					if early := !nnp || call == "execve"; killed != early || !c.took("ran") {
						t.Errorf("killed before it was the command: %v, want %v; %v; got %+v", killed, early, reasons, got)
					}
				})
			}
		}
	}
}

// A hook whose command is not there ends, even where its profile refuses to let
// it exit.
func TestSeccompThatRefusesTheEnd(t *testing.T) {
	c := startContainer(t, nil)
	c.reconfigure(func(s *specs.Spec) { s.Linux.Seccomp = kills(specs.ActErrno, "exit_group") })
	if got := c.tried("/nothing"); got.Cause != hooks.CauseNotFound || got.Runner != ByJoiner {
		t.Errorf("got %+v", got)
	}
}
