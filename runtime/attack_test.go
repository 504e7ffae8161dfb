package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	runc "github.com/containerd/go-runc"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/internal/stepper"
	"bookend.dev/bookend/runtime/proc"
)

// attackBound is how long a hook may take that is attacked, and what it leaves
// to vanish.
const attackBound = 10 * time.Second

// The processes of a hook, in the order of birth.
const (
	joinerProcess = iota // on the host's side
	hookProcess          // its child, which becomes the hook
)

// joinerName is argv[0] of the joiner.
const joinerName = "bookend-joiner"

// stepped is a Monitor that stops the first joiner that it starts, and what
// that forks, before each system call. A hook is let go when it has been
// executed.
type stepped struct {
	Monitor // of what is started later
	tracer  *stepper.Stepper
	visit   func(*stepper.Step) stepper.Verdict
	look    func(pid int) // at the hook, when its program has been executed; nil: not
	other   func()        // told of another program that is started after the joiner; nil: not

	cmd     *exec.Cmd
	tracing sync.WaitGroup
}

func newStepped(visit func(*stepper.Step) stepper.Verdict) *stepped {
	m := &stepped{Monitor: runc.Monitor, visit: visit}
	m.tracer = &stepper.Stepper{Deadline: attackBound, Visit: func(s *stepper.Step) stepper.Verdict {
		if verdict := m.visitAgain(s); verdict != stepper.Continue {
			return verdict
		}
		return m.visit(s)
	}}
	return m
}

// visitAgain lets a hook go that was executed.
func (m *stepped) visitAgain(s *stepper.Step) stepper.Verdict {
	if s.Index == joinerProcess || s.Execs == 0 {
		return stepper.Continue
	}
	if m.look != nil {
		m.look(s.Pid)
	}
	return stepper.Release
}

func (m *stepped) Start(cmd *exec.Cmd) (chan runc.Exit, error) {
	if cmd.Args[0] != joinerName {
		if m.cmd != nil && m.other != nil {
			m.other()
		}
		return m.Monitor.Start(cmd)
	}
	tracer := m.tracer
	if m.cmd != nil { // a container without a null device is joined twice
		tracer = &stepper.Stepper{Deadline: attackBound, Visit: m.visitAgain}
	}
	m.cmd = cmd
	ended, err := tracer.Start(cmd)
	if err != nil {
		return nil, err
	}
	exit := make(chan runc.Exit, 1)
	m.tracing.Go(func() {
		e := <-ended
		status := e.Status.ExitStatus()
		if e.Status.Signaled() {
			status = 255 // as containerd's monitors have it
		}
		exit <- runc.Exit{Timestamp: time.Now(), Pid: e.Pid, Status: status}
		close(exit)
		<-ended // which is closed
	})
	return exit, nil
}

// attack is one run of a hook with something done at one of its steps.
type attack struct {
	c *testContainer
	attackKind
	step   *stepper.Step // nil: the step was not reached
	report hooks.Report
	cancel context.CancelCauseFunc // ends the hook, as its deadline would
	seen   map[int]uint64          // start times by pid of all processes of the hook
	looked bool                    // the hook was executed under the stepper, and looked at
	fell   bool                    // the runtime's own exec was used after all
	beside sync.WaitGroup          // what goes on beside the hook
}

// at runs the hook, with do called at the n-th step of the process with the
// index.
func (a *attack) at(index, n int, do func(*stepper.Step) stepper.Verdict) {
	a.c.Helper()
	ctx, cancel := context.WithCancelCause(a.c.Context())
	defer cancel(nil)
	a.cancel, a.seen = cancel, map[int]uint64{}
	a.c.Runner.Told = func(string, string) {} // fell says it too, each time
	m := newStepped(func(s *stepper.Step) stepper.Verdict {
		if _, ok := a.seen[s.Pid]; !ok {
			a.seen[s.Pid] = startTime(s.Pid)
		}
		if a.step == nil && a.stays && s.Index == joinerProcess && stepper.Name(s.Nr) == "waitid" {
			defer a.endUnattacked() // no step comes before the hook's end
		}
		if s.Index != index || s.N != n {
			return stepper.Continue
		}
		a.step = s
		return do(s)
	})
	// What a hook does that is run once more, through the runtime, is another
	// test's.
	m.other = func() {
		if a.fell = true; !a.rerun {
			cancel(errCut)
		}
	}
	m.look = func(pid int) { a.looked = true; a.c.wantOwn(pid) }
	a.c.executor.monitor = m
	done := make(chan hooks.Report, 1)
	h := a.c.handler(&a.hook)
	if a.begun {
		h = a.c.executor.Begin(ctx, a.c.Container, &a.hook, nil)
	}
	go func() { done <- h.Run(ctx) }()
	select {
	case a.report = <-done:
	case <-time.After(2 * attackBound):
		a.c.Fatalf("the hook never returned")
	}
	ended := make(chan struct{})
	go func() { defer close(ended); m.tracing.Wait(); a.beside.Wait() }()
	select {
	case <-ended:
	case <-time.After(attackBound):
		a.c.Fatalf("the tracing or the attack never ended")
	}
}

// endUnattacked ends a hook that has no step as that which was asked for.
func (a *attack) endUnattacked() {
	if a.step == nil {
		a.cancel(errCut)
	}
}

// gone waits until nothing of the hook remains. What is a zombie has died; it
// is another's to reap.
func (a *attack) gone() {
	a.c.Helper()
	left := func() (left []string) {
		for pid, start := range a.seen {
			if startTime(pid) == start && !dead(pid) {
				left = append(left, "process "+strconv.Itoa(pid)+" "+state(pid))
			}
		}
		return append(left, a.c.hookCgroups()...)
	}
	if !poll(time.Now().Add(attackBound), func() bool { return len(left()) == 0 }) {
		a.c.Errorf("at %v: %v remains (%v)", a.step, left(), a.report.Err)
	}
}

// eachStep runs hook once for each step of the process with the index, and
// once more: that it has no further step. do is called at the step, check when
// the hook has returned and nothing of it remains.
func (c *testContainer) eachStep(index int, hook hooks.Exec, do func(*attack) stepper.Verdict, check func(*attack)) {
	c.Helper()
	c.each(attackKind{hook: hook}, index, do, check)
}

// attackKind is what a hook under attack may do.
type attackKind struct {
	hook  hooks.Exec
	rerun bool // it may run once more, through the runtime, untraced
	stays bool // it stays until it is killed
	begun bool // it begins early
}

// each is eachStep for a kind of attack.
func (c *testContainer) each(kind attackKind, index int, do func(*attack) stepper.Verdict, check func(*attack)) {
	c.Helper()
	for n := 1; ; n++ {
		a := &attack{c: c, attackKind: kind}
		a.at(index, n, func(*stepper.Step) stepper.Verdict { return do(a) })
		a.gone()
		if a.step == nil {
			c.Logf("%d steps of %s", n-1, [...]string{"the joiner", "its child"}[index])
			if n == 1 {
				c.Errorf("the hook took no step: %v", a.report.Err)
			}
			return
		}
		check(a)
		if c.Failed() {
			c.Fatalf("stopped at %v: got %+v", a.step, a.report)
		}
	}
}

// startTime tells processes of one pid apart; 0: there is none.
func startTime(pid int) uint64 {
	stat, err := proc.ReadStat(pid)
	if err != nil {
		return 0
	}
	return stat.Start
}

func dead(pid int) bool {
	stat, err := proc.ReadStat(pid)
	return err != nil || stat.State == 'Z' || stat.State == 'X'
}

func state(pid int) string {
	stat, _ := proc.ReadStat(pid)
	return program(pid) + " " + string(rune(stat.State))
}

// pidInside is the number of a process in its own pid namespace.
func pidInside(t testing.TB, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	for _, line := range strings.Split(string(data), "\n") {
		if rest, ok := strings.CutPrefix(line, "NSpid:"); ok {
			numbers := strings.Fields(rest)
			n, err := strconv.Atoi(numbers[len(numbers)-1])
			must(t, err)
			return n
		}
	}
	t.Fatalf("process %d has no pid", pid)
	return 0
}

// killInit kills the container's init and waits until it has begun to exit.
func (c *testContainer) killInit() {
	c.Helper()
	must(c, unix.Kill(c.Init.Pid, unix.SIGKILL))
	eventually(c, "the init's end", func() bool { return c.Init.Liveness() == hooks.Gone })
}

// wantOwn checks what a hook that was just executed has: three descriptors, of
// which the first is a null device, and a program and a directory that are not
// the host's. A directory may be one of a mount that is gone by now.
func (c *testContainer) wantOwn(pid int) {
	c.Helper()
	var wrong []string
	dir := fmt.Sprintf("/proc/%d", pid)
	if fds, err := os.ReadDir(dir + "/fd"); err != nil || len(fds) != 3 {
		wrong = append(wrong, fmt.Sprintf("descriptors %v, %v", fds, err))
	}
	var st unix.Stat_t
	if err := unix.Stat(dir+"/fd/0", &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, 3) {
		to, _ := os.Readlink(dir + "/fd/0")
		wrong = append(wrong, fmt.Sprintf("stdin %s, %v", to, err))
	}
	for name, want := range map[string]struct {
		mounts string
		in     bool
	}{"exe": {dir + "/mountinfo", true}, "cwd": {"/proc/self/mountinfo", false}} {
		var stx unix.Statx_t
		err := unix.Statx(unix.AT_FDCWD, dir+"/"+name, 0, unix.STATX_MNT_ID, &stx)
		mounts, _ := os.ReadFile(want.mounts)
		if in := strings.Contains("\n"+string(mounts), fmt.Sprintf("\n%d ", stx.Mnt_id)); err != nil || in != want.in {
			to, _ := os.Readlink(dir + "/" + name)
			wrong = append(wrong, fmt.Sprintf("%s %s, %v", name, to, err))
		}
	}
	hook, _ := proc.Find(pid)
	if alive, _ := hook.Alive(); len(wrong) != 0 && alive {
		c.Errorf("a hook was executed with %s", strings.Join(wrong, "; "))
	}
}

// awaitStopped waits until a process stands still, unless it ends.
func awaitStopped(pid int) bool {
	start := startTime(pid)
	poll(earlyEnd(), func() bool { return stopped(pid) || start == 0 || startTime(pid) != start })
	return stopped(pid)
}

// tried runs a command as a hook that may come to hang.
func (c *testContainer) tried(command ...string) hooks.Report {
	c.Helper()
	return c.bounded(&hooks.Exec{Command: command})
}

// bounded runs a hook that may come to hang.
func (c *testContainer) bounded(spec *hooks.Exec) hooks.Report {
	c.Helper()
	ctx, cancel := context.WithTimeoutCause(c.Context(), attackBound, errCut)
	defer cancel()
	return c.handler(spec).Run(ctx)
}

// earlyEnd is the deadline of what an attack waits for: before that of the hook.
func earlyEnd() time.Time { return time.Now().Add(attackBound / 2) }

// stopped tells whether a process has stopped for a signal.
func stopped(pid int) bool {
	stat, err := proc.ReadStat(pid)
	return err == nil && stat.State == 'T'
}

// program is the name of what a process runs.
func program(pid int) string {
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(comm))
}

// scratch is what the container wrote into a file of its /scratch.
func (c *testContainer) scratch(file string) string {
	data, _ := os.ReadFile(filepath.Join(c.rootfs, "scratch", file))
	return string(data)
}

// took tells whether a file of /scratch is there, and removes it.
func (c *testContainer) took(file string) bool {
	return os.Remove(filepath.Join(c.rootfs, "scratch", file)) == nil
}

// reconfigure changes the configuration in the bundle under a container that
// runs, for what its own process could not live with.
func (c *testContainer) reconfigure(edit func(*specs.Spec)) {
	c.Helper()
	spec := c.spec()
	edit(spec)
	data, err := json.Marshal(spec)
	must(c, err)
	must(c, os.WriteFile(filepath.Join(c.Bundle, "config.json"), data, 0o644))
}
