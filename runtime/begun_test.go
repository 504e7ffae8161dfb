package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// Nothing of the container is looked at before it is let go: what the entrypoint
// has changed by then is what the hook gets.
func TestBegunLooksAtNothingBeforeItMayRun(t *testing.T) {
	c := createForBegun(t, nil)
	must(t, os.WriteFile(filepath.Join(c.rootfs, "bin/late"), []byte("#!/bin/sh\necho early >/scratch/early\n"), 0o755))
	must(t, os.Mkdir(filepath.Join(c.rootfs, "scratch/here"), 0o755))
	b := c.beginToStart(&hooks.Exec{Command: []string{"late"}, WorkingDir: "/scratch/here"})

	inside := fmt.Sprintf("/proc/%d/root", c.Init.Pid)
	replace := func(name, data string) {
		must(t, os.Rename(filepath.Join(c.rootfs, name), filepath.Join(c.rootfs, name+".old")))
		must(t, os.WriteFile(filepath.Join(c.rootfs, name), []byte(data), 0o755))
	}
	replace("bin/late", "#!/bin/sh\necho $HOME; pwd; cat new; ls -Li /proc/self/fd/0\n")
	replace("etc/passwd", "root:x:0:0::/scratch:/bin/sh\n")
	must(t, os.Rename(filepath.Join(c.rootfs, "scratch/here"), filepath.Join(c.rootfs, "scratch/gone")))
	must(t, os.Mkdir(filepath.Join(c.rootfs, "scratch/here"), 0o755))
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/here/new"), []byte("the new one\n"), 0o644))
	null := inside + "/dev/null"
	must(t, os.Remove(null))
	must(t, unix.Mknod(inside+"/dev/other", unix.S_IFREG|0o666, 0)) // takes the number that is free now
	must(t, unix.Mknod(null, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	var st unix.Stat_t
	must(t, unix.Stat(null, &st))

	if _, err := os.Stat(filepath.Join(c.rootfs, "scratch/early")); err == nil {
		t.Error("the command ran before it was let go")
	}
	c.runcDo("start", c.ID)
	got := c.runBegun(b, "")
	want := fmt.Sprintf("/scratch\n/scratch/here\nthe new one\n%d /proc/self/fd/0\n", st.Ino)
	if out := strings.Join(strings.Fields(string(got.Stdout)), " "); out != strings.Join(strings.Fields(want), " ") {
		t.Errorf("got %s: %v, %s; want %s", got.Stdout, got.Err, got.Stderr, want)
	}
}

// What a hook comes to does not depend on its having begun early.
func TestBegunReportsAsAnyOther(t *testing.T) {
	needsJoiner(t)
	c := startContainer(t, nil)
	path := func(value string) []hooks.EnvVar { return []hooks.EnvVar{{Name: "PATH", Value: value}} }
	for _, spec := range []hooks.Exec{
		{Command: []string{"true"}},
		{Command: []string{"sh", "-c", "echo out; echo err >&2"}},
		{Command: []string{"sh", "-c", "echo partly; exit 3"}},
		{Command: []string{"sh", "-c", "exit 255"}},
		{Command: []string{"sh", "-c", "kill -9 $$"}},
		{Command: []string{"sh", "-c", "kill -15 $$"}},
		{Command: []string{"sh", "-c", "yes | head -c 300000; seq 1 30000 >&2"}},
		{Command: []string{"pwd"}, WorkingDir: "/scratch"},
		{Command: []string{"sh", "-c", "echo $COLOUR $HOME"}, Env: []hooks.EnvVar{{Name: "COLOUR", Value: "red"}}},
		{Command: []string{"nothing"}},
		{Command: []string{""}},
		{Command: []string{"/no/such: file"}},
		{Command: []string{"/scratch/plain/x"}},
		{Command: []string{"/scratch/plain"}},
		{Command: []string{"/scratch"}},
		{Command: []string{"/scratch/data"}},
		{Command: []string{"./data"}, WorkingDir: "/scratch"},
		{Command: []string{"/scratch/noterp"}},
		{Command: []string{"true"}, WorkingDir: "/none"},
		{Command: []string{"true"}, WorkingDir: "/scratch/plain"},
		{Command: []string{"true"}, Env: path("bin:/bin")},
		{Command: []string{"true"}, Env: path("")},
	} {
		t.Run(fmt.Sprint(spec), func(t *testing.T) {
			want := c.handler(&spec).Run(t.Context())
			b := c.begin(&spec)
			got := c.runBegun(b, "")
			wantReport(t, got, want)
			if fmt.Sprint(got.Err) != fmt.Sprint(want.Err) || got.Runner != want.Runner {
				t.Errorf("error %v by %q; ordinarily %v by %q", got.Err, got.Runner, want.Err, want.Runner)
			}
			c.wantNothingLeft(b)
		})
	}
}

// A container that has no null device gives the hook one of the shim's.
func TestBegunWithoutANullDevice(t *testing.T) {
	c := createForBegun(t, nil)
	spec := &hooks.Exec{Command: []string{"sh", "-c", "ls -lL /proc/self/fd/0; cat"}}
	b := c.beginToStart(spec)
	must(t, os.Remove(fmt.Sprintf("/proc/%d/root/dev/null", c.Init.Pid)))
	c.runcDo("start", c.ID)
	got := c.runBegun(b, "open stdin")
	if got.Cause != "" || !strings.Contains(string(got.Stdout), "1,   3") {
		t.Errorf("got %s: %v, %s", got.Stdout, got.Err, got.Stderr)
	}
	wantReport(t, got, c.handler(spec).Run(t.Context()))
	c.wantNothingLeft(b)
}

func TestBegunOffersLateOutput(t *testing.T) {
	needsJoiner(t)
	c := startContainer(t, nil)
	must(t, unix.Mkfifo(filepath.Join(c.rootfs, "scratch/one"), 0o600))
	b := c.executor.Begin(t.Context(), c.Container, &hooks.Exec{Command: []string{"sh", "-c", `echo before; (read x </scratch/one; echo soon) & exit 0`}}, nil)
	report := c.runBegun(b, "")
	wantReport(t, report, hooks.Report{Stdout: []byte("before\n")})
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/one"), []byte("\n"), 0))
	wantLate(t, report, "before\nsoon\n")
}

// The start is told once. Further attempts are hooks like any other.
func TestBegunRunsAgain(t *testing.T) {
	needsJoiner(t)
	c := startContainer(t, nil)
	b := c.begin(&hooks.Exec{Command: []string{"sh", "-c", "echo $$ >>/scratch/pids; exit 7"}})
	for range 3 {
		wantReport(t, c.runBegun(b, ""), hooks.Report{Cause: hooks.CauseExitCode, ExitCode: 7})
	}
	pids, err := os.ReadFile(filepath.Join(c.rootfs, "scratch/pids"))
	must(t, err)
	if n := len(lines(pids)); n != 3 {
		t.Errorf("ran %d times", n)
	}
	b.Discard(t.Context())
	c.wantNothingLeft(b)
}

// Who discards waits for the end, whoever else does; and a hook that is run then
// all the same is run as any other.
func TestBegunDiscarded(t *testing.T) {
	c := createForBegun(t, nil)
	spec := &hooks.Exec{Command: []string{"sh", "-c", "echo ran >>/scratch/ran; echo hello"}}
	for _, at := range []string{"at once", "while it waits"} {
		b := c.executor.Begin(t.Context(), c.Container, spec, nil)
		if at == "while it waits" {
			b.Discard(t.Context())
			b = c.beginToStart(spec)
		}
		done := make(chan struct{}, 3)
		for range cap(done) {
			go func() { b.Discard(t.Context()); done <- struct{}{} }()
		}
		for range cap(done) {
			<-done
			c.wantNothingLeft(b)
		}
		if c.took("ran") {
			t.Errorf("%s: the command ran", at)
		}
		if c.Init.Liveness() != hooks.Alive {
			t.Fatalf("%s: the init died", at)
		}
	}
	b := c.beginToStart(spec)
	b.Discard(t.Context())
	c.runcDo("start", c.ID)
	wantReport(t, b.Run(t.Context()), hooks.Report{Stdout: []byte("hello\n")})
	if got := c.scratch("ran"); got != "ran\n" {
		t.Errorf("runs: %q", got)
	}
	var none *Begun
	none.Discard(t.Context())
}

// That the first has not ended is seen by its holding up the end of the beginning.
func TestBegunDiscardWaitsForAnother(t *testing.T) {
	b := &Begun{cancel: func() {}, ready: make(chan struct{}), err: errNoRoom}
	first := make(chan struct{}, 1)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			b.Discard(t.Context())
			select {
			case first <- struct{}{}:
			default:
			}
		})
	}
	select {
	case <-first:
		t.Error("one returns though what was begun is still there")
	case <-time.After(100 * time.Millisecond): // to be late makes the test pass
	}
	close(b.ready)
	both.Wait()
}

// A hook that runs is not discarded.
func TestBegunRunsOnThroughDiscard(t *testing.T) {
	needsJoiner(t)
	c := startContainer(t, nil)
	must(t, unix.Mkfifo(filepath.Join(c.rootfs, "scratch/go"), 0o600))
	b := c.beginToStart(&hooks.Exec{Command: []string{"sh", "-c", "touch /scratch/ready; read x </scratch/go; echo whole"}})
	done := c.start(t.Context(), b)
	b.Discard(t.Context())
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/go"), []byte("\n"), 0))
	wantReport(t, c.await(done), hooks.Report{Stdout: []byte("whole\n")})
}

// The caller's context ends before the hook does, and means nothing.
func TestBegunOutlivesItsContext(t *testing.T) {
	needsJoiner(t)
	c := startContainer(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := c.executor.Begin(ctx, c.Container, &hooks.Exec{Command: []string{"echo", "hello"}}, nil)
	wantReport(t, c.runBegun(b, ""), hooks.Report{Stdout: []byte("hello\n")})
}

// Not even begun is what is cancelled before it may run.
func TestBegunCancelledBeforeItMayRun(t *testing.T) {
	needsJoiner(t)
	c := startContainer(t, nil)
	for range 20 {
		b := c.begin(&ran)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errCut)
		if got := b.Run(ctx); got.Cause != hooks.CauseCancelled || !errors.Is(got.Err, errCut) {
			t.Errorf("got %+v", got)
		}
		c.wantNothingLeft(b)
	}
	if c.took("ran") {
		t.Error("the command ran")
	}
}

// Cancelled, it dies with all that it started.
func TestBegunCancelledDiesWithItsDaemons(t *testing.T) {
	needsJoiner(t)
	c := startContainer(t, nil)
	b := c.beginToStart(&hooks.Exec{Command: []string{"sh", "-c", daemons}})
	ctx, cancel := context.WithCancelCause(t.Context())
	done := c.start(ctx, b)
	cancel(errCut)
	if got := c.await(done); got.Cause != hooks.CauseCancelled || !errors.Is(got.Err, errCut) {
		t.Errorf("got %+v", got)
	}
	if left := c.running("100"); len(left) != 0 {
		t.Errorf("processes left: %v", left)
	}
	c.wantNothingLeft(b)
}

// An init that dies takes the hook along, which is no failure of the hook's.
func TestBegunOfAnInitThatDies(t *testing.T) {
	for name, edit := range map[string]func(*specs.Spec){"own pid namespace": nil, "host pid namespace": withoutPIDNamespace} {
		t.Run(name, func(t *testing.T) {
			c := createForBegun(t, edit)
			b := c.beginToStart(&ran)
			c.killInit()
			if edit == nil { // or it may be let go before the kernel has killed it, too
				<-b.run.done
			}
			got := b.Run(t.Context())
			if edit == nil && (got.Cause != hooks.CauseGone || !got.Suspect) {
				t.Errorf("got %+v", got)
			}
			if edit == nil && c.took("ran") {
				t.Error("the command ran")
			}
			c.wantNothingLeft(b)
		})
	}
}

// Killed by somebody before its time, it is no hook that failed.
func TestBegunWhoseProcessIsKilledWhileItWaits(t *testing.T) {
	needsJoiner(t)
	c := startContainer(t, nil)
	for _, whose := range []string{"the hook's process", "the joiner"} {
		b := c.beginToStart(&hooks.Exec{Command: []string{"sh", "-c", "echo ran >>/scratch/ran; echo hello"}})
		pid, why := b.run.pid, "pipe"
		if whose == "the joiner" {
			pid = b.run.cmd.Process.Pid
		}
		must(t, unix.Kill(pid, unix.SIGKILL))
		<-b.run.done
		eventually(t, "the end of the process that waits for the start", func() bool { return len(c.joiners()) == 0 })
		wantReport(t, c.runBegun(b, why), hooks.Report{Stdout: []byte("hello\n")})
		if got := c.scratch("ran"); got != "ran\n" {
			t.Errorf("%s killed: runs: %q", whose, got)
		}
		c.took("ran")
		c.wantNothingLeft(b)
	}
}

// The end of the shim closes its end of the pipe, and that ends the hook, with
// no word from anybody.
func TestBegunEndsWithTheShim(t *testing.T) {
	c, other := createForBegun(t, nil), createAnother(t, nil)
	b := c.beginToStart(&ran)
	// Begun later, it could have been given the pipe of the first.
	later := other.beginToStart(&ran)
	b.run.startPipe.Close()
	<-b.run.reaped
	if left := c.joiners(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if c.took("ran") {
		t.Error("the command ran")
	}
	if !awaitsStart(later.run.pid) {
		t.Error("the hook of another container does not wait any more")
	}
	b.Discard(t.Context())
	c.wantNothingLeft(b)
}

// Two that wait are let go each by its own byte, and only then.
func TestBegunInTwoContainersAtOnce(t *testing.T) {
	one, two := createForBegun(t, nil), createAnother(t, nil)
	for _, c := range []*testContainer{one, two} {
		must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/name"), []byte(c.ID), 0o644))
	}
	spec := &hooks.Exec{Command: []string{"sh", "-c", "cat /scratch/name; touch /scratch/ran"}}
	of := map[*testContainer]*Begun{one: one.executor.Begin(t.Context(), one.Container, spec, nil)}
	of[two] = two.executor.Begin(t.Context(), two.Container, spec, nil)
	defer of[one].Discard(context.Background())
	for c, b := range of {
		<-b.ready
		must(t, b.err)
		<-b.run.started
		eventually(c, "the process that waits for the start", func() bool { return awaitsStart(b.run.pid) })
	}
	two.runcDo("start", two.ID)
	wantReport(t, two.runBegun(of[two], ""), hooks.Report{Stdout: []byte(two.ID)})
	if !awaitsStart(of[one].run.pid) || one.took("ran") {
		t.Error("the hook of the other container does not wait any more")
	}
	one.runcDo("start", one.ID)
	wantReport(t, one.runBegun(of[one], ""), hooks.Report{Stdout: []byte(one.ID)})
}

// A container that is paused meanwhile is no place to run a hook, and one that
// was reported as not run does not run at the resume.
func TestBegunInAContainerThatIsPaused(t *testing.T) {
	needsJoiner(t)
	c := startContainer(t, nil)
	b := c.beginToStart(&ran)
	c.runcDo("pause", c.ID)
	got := b.Run(t.Context())
	if got.Cause != hooks.CausePaused {
		t.Errorf("got %+v", got)
	}
	c.runcDo("resume", c.ID)
	eventually(t, "the end of the process that waits for the start", func() bool { return len(c.joiners()) == 0 })
	<-b.run.reaped
	if c.took("ran") {
		t.Error("the command ran")
	}
	wantReport(t, b.Run(t.Context()), hooks.Report{})
	if !c.took("ran") {
		t.Error("in the container that was resumed the command did not run")
	}
}

// A user's name is looked up in the container's files, which are not ready yet.
func TestBegunNotForAUserOfItsOwn(t *testing.T) {
	c := createForBegun(t, nil)
	b := c.begin(&hooks.Exec{Command: []string{"id", "-un"}, User: "ana"})
	if !errors.Is(b.err, errLooksAtFiles) {
		t.Errorf("began: %v", b.err)
	}
	c.wantNothingLeft(b)
	c.runcDo("start", c.ID)
	wantReport(t, c.runBegun(b, "looked up"), hooks.Report{Stdout: []byte("ana\n")})
}

// Through the runtime no hook begins early.
func TestBegunNotThroughTheRuntime(t *testing.T) {
	c := createContainer(t, nil)
	c.Runner = ownRuntime(t, c.runc)
	b := c.begin(&hooks.Exec{Command: []string{"echo", "hello"}})
	if !errors.Is(b.err, errByRuntime) {
		t.Errorf("began: %v", b.err)
	}
	c.wantNothingLeft(b)
	c.runcDo("start", c.ID)
	got := c.runBegun(b, "entered by its own runtime")
	wantReport(t, got, hooks.Report{Stdout: []byte("hello\n")})
	if got.Runner != ByRuntime || got.RunnerReason == "" {
		t.Errorf("run by %q because of %q", got.Runner, got.RunnerReason)
	}
}

// Where limits leave no room for it beside the init, it begins when that runs.
func TestBegunNotWithoutRoom(t *testing.T) {
	for name, tc := range map[string]struct {
		controller, file string
		limit            int
		above            bool
	}{
		"processes":                     {"pids", "pids.max", roomPids, false},
		"processes of the cgroup above": {"pids", "pids.max", roomPids, true},
		"memory":                        {"memory", "", roomMemory, false},
		"memory of the cgroup above":    {"memory", "", roomMemory, true},
	} {
		t.Run(name, func(t *testing.T) {
			var c *testContainer
			// Runs after the container is deleted: the runtime leaves what is above.
			t.Cleanup(func() {
				for _, p := range c.Cgroup.memberships {
					_ = os.Remove(filepath.Dir(p.dir)) // where it has one
				}
			})
			c = createForBegun(t, func(s *specs.Spec) { s.Linux.CgroupsPath = "/above-" + s.Linux.CgroupsPath[1:] + s.Linux.CgroupsPath })
			p := c.Cgroup.membership(tc.controller)
			if p == nil {
				t.Skipf("this machine has no controller %s", tc.controller)
			}
			dir := p.dir
			if tc.above {
				dir = filepath.Dir(dir)
			}
			file := tc.file
			if file == "" {
				if file = "memory.max"; !c.Cgroup.isUnified() {
					file = "memory.limit_in_bytes"
				}
			}
			must(t, os.WriteFile(filepath.Join(dir, file), []byte(strconv.Itoa(tc.limit)), 0))
			b := c.begin(&hooks.Exec{Command: []string{"echo", "hello"}})
			if !errors.Is(b.err, errNoRoom) {
				t.Errorf("began: %v", b.err)
			}
			c.wantNothingLeft(b)
			c.runcDo("start", c.ID)
			wantReport(t, c.runBegun(b, "leave no room"), hooks.Report{Stdout: []byte("hello\n")})
		})
	}
}
