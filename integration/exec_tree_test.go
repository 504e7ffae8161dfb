package integration

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// The tests in this file are about what exec hooks start besides themselves.

// started is a container whose postStart is an exec hook; it may still run.
type started struct {
	t             *testing.T
	d             *harness.Daemon
	namespace, id string
	fifos         *harness.FIFOs
	events        *harness.EventLog
	reply         <-chan error
	init          int    // its pid on the host
	cgroup        string // directory in which its processes are counted
}

// startWith starts a plain task, or a container of a pod where pod is not nil,
// and waits for its entrypoint only.
func startWith(t *testing.T, d *harness.Daemon, pod *harness.PodOptions, script, lifecycle string) *started {
	t.Helper()
	s := &started{t: t, d: d, namespace: harness.TaskNamespace}
	if pod == nil {
		h := newHooked(t, d, lifecycle, func(o *harness.TaskOptions) { o.Args[2] = script })
		s.id, s.fifos, s.events, s.reply = h.ID(), h.fifos, h.events, h.begin(t.Context())
	} else {
		opts := *pod
		opts.Handler, opts.Annotations = harness.Bookend, map[string]string{podLifecycleKey: lifecycle}
		s.events = d.TestEvents(t)
		m := newMember(t, d, d.TestPod(t, opts), harness.ContainerOptions{Name: "main", Command: []string{"sh", "-c", script}})
		reply := make(chan error, 1)
		go func() { reply <- m.Start(t.Context()) }()
		s.namespace, s.id, s.fifos, s.reply = harness.CRINamespace, m.ID, m.fifos, reply
	}
	s.await("main")
	s.init = int(s.task().Pid())
	s.cgroup = cgroupDir(t, s.init)
	return s
}

// kinds are a plain task and pods with each kind of pid namespace.
var kinds = map[string]*harness.PodOptions{"task": nil, "own pid": {}, "shared pid": {PodPID: true}, "host pid": {HostPID: true}}

func (s *started) task() containerd.Task {
	s.t.Helper()
	return loadTask(s.t, s.d, s.namespace, s.id)
}

func (s *started) await(fifo string) {
	s.t.Helper()
	if _, err := s.fifos.Await(s.t.Context(), fifo); err != nil {
		s.t.Fatal(err)
	}
}

func (s *started) open(fifo string) {
	s.t.Helper()
	if err := s.fifos.Open(s.t.Context(), fifo); err != nil {
		s.t.Fatal(err)
	}
}

func (s *started) kill(sig syscall.Signal) {
	s.t.Helper()
	ctx := namespaces.WithNamespace(s.t.Context(), s.namespace)
	if err := s.task().Kill(ctx, sig); err != nil {
		s.t.Fatal(err)
	}
}

// processes lists what is in the container's cgroup and below.
func (s *started) processes() []harness.Process {
	var found []harness.Process
	_ = filepath.WalkDir(s.cgroup, func(dir string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			return nil
		}
		data, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs")) // what has vanished holds no process
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil {
				if p, err := harness.ReadProcess(pid); err == nil {
					found = append(found, p)
				}
			}
		}
		return nil
	})
	return found
}

// find returns those of the container's processes that run a command.
func (s *started) find(command string) []harness.Process {
	return slices.DeleteFunc(s.processes(), func(p harness.Process) bool { return strings.Join(p.Args, " ") != command })
}

// awaitCount waits until n of the container's processes run each command.
func (s *started) awaitCount(n int, commands ...string) {
	s.t.Helper()
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "processes", func() error {
		for _, c := range commands {
			if len(s.find(c)) != n {
				return fmt.Errorf("there are %v; want %d of %q", s.processes(), n, c)
			}
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}

// beside starts a client's exec that runs for long.
func (s *started) beside(command ...string) containerd.Process {
	s.t.Helper()
	ctx := namespaces.WithNamespace(s.t.Context(), s.namespace)
	task := s.task()
	spec, err := task.Spec(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	spec.Process.Args = command
	ex, err := task.Exec(ctx, "beside", spec.Process, nullIO)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := ex.Start(ctx); err != nil {
		s.t.Fatal(err)
	}
	return ex
}

// wantAlive checks that a process runs and is no zombie.
func (s *started) wantAlive(what string, pid int) {
	s.t.Helper()
	if p, err := harness.ReadProcess(pid); err != nil || p.State == 'Z' {
		s.t.Errorf("%s is gone: %v, %v", what, p, err)
	}
}

// tree is a hook that leaves its session, its process group and its parents in
// every way a shell has, and then waits. The end of a child may interrupt it
// while it opens its fifos: hence again.
const tree = `sleep 7001 &
setsid sleep 7002 &
setsid sh -c 'setsid sh -c "sleep 7003 > /dev/null 2>&1 < /dev/null; exit 1" & exit 0' &
trap '' TERM INT HUP
echo post >> /fifo/trace
until echo here > /fifo/post; do :; done
cat /fifo/post-go; exit 0`

// branches are the commands of the processes of tree but for its shells.
var branches = []string{"sleep 7001", "sleep 7002", "sleep 7003", "cat /fifo/post-go"}

// wantFelled checks that nothing of tree is left, and nothing else is harmed.
func (s *started) wantFelled(ex containerd.Process) {
	s.t.Helper()
	s.awaitCount(0, append(branches, "sh -c "+tree, "sh -c sleep 7003 > /dev/null 2>&1 < /dev/null; exit 1")...)
	s.wantAlive("init", s.init)
	s.wantAlive("a client's exec", int(ex.Pid()))
	left := filepath.Join(s.cgroup, "bookend-*")
	if v1 := cgroupsOf(s.t, s.init)["freezer"]; v1 != "" {
		left = filepath.Join(harness.CgroupRoot, "freezer", v1, "bookend-*")
	}
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "the hook's cgroup to be removed", func() error {
		if dirs, err := filepath.Glob(left); err != nil || len(dirs) > 0 {
			return fmt.Errorf("%v: %w", dirs, os.ErrExist)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}

func TestExecHookIsKilledWithAllOfItsProcessesByATimeout(t *testing.T) {
	d := shared.Daemon(t)
	for _, name := range []string{"task", "shared pid"} { // the others have the cancel
		t.Run(name, func(t *testing.T) {
			s := startWith(t, d, kinds[name], entrypoint, `{"postStart":{"timeoutSeconds":5,"failurePolicy":"Ignore","exec":`+shell(tree)+`}}`)
			s.await("post")
			s.awaitCount(1, branches...)
			ex := s.beside("sleep", "8000")
			if err := wantReply(t, s.reply); err != nil {
				t.Error(err)
			}
			if ev := wantHookEvent(t, s.events, s.id, "postStart", "timeout"); ev["outcome"] != "TimedOut" {
				t.Errorf("event %v, want TimedOut", ev)
			}
			s.wantFelled(ex)
		})
	}
}

func TestExecHookIsKilledWithAllOfItsProcessesByACancel(t *testing.T) {
	d := shared.Daemon(t)
	for name, pod := range kinds {
		t.Run(name, func(t *testing.T) {
			s := startWith(t, d, pod, deafEntrypoint, `{"postStart":{"exec":`+shell(tree)+`}}`)
			s.await("post")
			ex := s.beside("sleep", "8000")
			s.awaitCount(1, branches...)
			s.kill(syscall.SIGTERM) // which the entrypoint outlives
			wantHookEvent(t, s.events, s.id, "postStart", "cancel")
			s.wantFelled(ex)
			s.kill(syscall.SIGKILL)
			_ = wantReply(t, s.reply)
		})
	}
}

func TestExecHooksProcessesStayAfterItsSuccessAndGoWithTheContainer(t *testing.T) {
	d := shared.Daemon(t)
	for name, pod := range kinds {
		t.Run(name, func(t *testing.T) {
			// They hold the hook's output open: nobody waits for that.
			s := startWith(t, d, pod, entrypoint, `{"postStart":{"exec":`+shell(`setsid sleep 7002 &
(cat /fifo/pre-go; echo out; echo err >&2; echo child >> /fifo/trace; exec sleep 7001) &
echo here > /fifo/post; exit 0`)+`}}`)
			s.await("post")
			if err := wantReply(t, s.reply); err != nil {
				t.Fatal(err)
			}
			wantHookEvent(t, s.events, s.id, "postStart", "success")
			s.open("pre-go")
			s.awaitCount(1, "sleep 7001", "sleep 7002")
			if got := readTrace(t, s.fifos); !slices.Equal(got, []string{"child"}) {
				t.Errorf("trace %q of a child that writes to the output of its hook, want %q", got, "child")
			}
			s.kill(syscall.SIGTERM)
			if _, err := s.events.WaitTopic(t.Context(), "/tasks/exit", s.id); err != nil {
				t.Fatal(err)
			}
			s.awaitCount(0, "sleep 7001", "sleep 7002")
		})
	}
}

func TestOutputDoesNotHoldAHookUp(t *testing.T) {
	d := shared.Daemon(t)
	for name, script := range map[string]string{
		"a flood":               `head -c 30000000 /dev/zero; head -c 30000000 /dev/zero >&2; exit 0`,
		"a flood at its end":    `(yes; yes >&2) & yes >&2 & echo; exit 0`,
		"a child that holds":    `sleep 7001 & exit 0`,
		"closed from the start": `exec >&- 2>&-; exit 0`,
	} {
		t.Run(name, func(t *testing.T) {
			s := startWith(t, d, nil, entrypoint, `{"postStart":{"timeoutSeconds":0,"exec":`+shell(script)+`}}`)
			if err := wantReply(t, s.reply); err != nil {
				t.Error(err)
			}
			wantHookEvent(t, s.events, s.id, "postStart", "success")
			s.kill(syscall.SIGTERM)
			if _, err := s.events.WaitTopic(t.Context(), "/tasks/exit", s.id); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExecHooksProcessesAreReaped(t *testing.T) {
	d := shared.Daemon(t)
	for name, pod := range kinds {
		t.Run(name, func(t *testing.T) {
			s := startWith(t, d, pod, entrypoint, `{"postStart":{"exec":`+shell(`sleep 7001 & setsid sleep 7002 & exit 0`)+`}}`)
			if err := wantReply(t, s.reply); err != nil {
				t.Fatal(err)
			}
			s.awaitCount(1, "sleep 7001", "sleep 7002")
			wantNoZombies(t, d) // while the output is still open
			for _, p := range append(s.find("sleep 7001"), s.find("sleep 7002")...) {
				if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			s.awaitCount(0, "sleep 7001", "sleep 7002")
			wantNoZombies(t, d)
		})
	}
}

// wantNoZombies waits until every process of the daemon's is a living one.
func wantNoZombies(t *testing.T, d *harness.Daemon) {
	t.Helper()
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "processes to be reaped", func() error {
		procs, err := d.Processes()
		if i := slices.IndexFunc(procs, func(p harness.Process) bool { return p.State == 'Z' }); i >= 0 {
			return fmt.Errorf("%v is not", procs[i])
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
