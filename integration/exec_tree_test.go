package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// The tests in this file are about what exec hooks start besides themselves.

// podKinds are a plain task and pods with each kind of pid namespace.
var podKinds = map[string]*harness.PodOptions{"task": nil, "own pid": {}, "shared pid": {PodPID: true}, "host pid": {HostPID: true}}

// startWith starts a plain task, or a container of a pod where pod is not nil,
// and waits for its entrypoint only: its postStart may still run.
func startWith(t *testing.T, d *harness.Daemon, pod *harness.PodOptions, script, lifecycle string) (h *harness.Fixture, reply <-chan error) {
	t.Helper()
	if pod == nil {
		h = harness.CreateTask(t, d, lifecycle, func(o *harness.TaskOptions) { o.Args[2] = script })
	} else {
		opts := *pod
		opts.Handler, opts.Annotations = harness.Bookend, map[string]string{harness.PodLifecycleKey: lifecycle}
		h = harness.CreateContainer(t, d.TestPod(t, opts), harness.ContainerOptions{Name: "main", Command: []string{"sh", "-c", script}})
	}
	reply = h.Begin(t.Context())
	h.Await("main")
	return h, reply
}

// find returns those of the container's processes that run a command.
func find(h *harness.Fixture, command string) []harness.Process {
	return slices.DeleteFunc(h.Processes(), func(p harness.Process) bool { return strings.Join(p.Args, " ") != command })
}

// awaitCount waits until n of the container's processes run each command.
func awaitCount(t *testing.T, h *harness.Fixture, n int, commands ...string) {
	t.Helper()
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "processes", func() error {
		for _, c := range commands {
			if len(find(h, c)) != n {
				return fmt.Errorf("there are %v; want %d of %q", h.Processes(), n, c)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// startExec starts a client's exec that runs for long.
func startExec(t *testing.T, h *harness.Fixture, command ...string) containerd.Process {
	t.Helper()
	ctx := namespaces.WithNamespace(t.Context(), h.Namespace)
	task := h.Load()
	spec, err := task.Spec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	spec.Process.Args = command
	ex, err := task.Exec(ctx, "beside", spec.Process, cio.NullIO)
	if err != nil {
		t.Fatal(err)
	}
	if err := ex.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return ex
}

// wantAlive checks that a process runs and is no zombie.
func wantAlive(t *testing.T, what string, pid int) {
	t.Helper()
	if p, err := harness.ReadProcess(pid); err != nil || p.State == 'Z' {
		t.Errorf("%s is gone: %v, %v", what, p, err)
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

// wantTreeKilled checks that nothing of tree is left, and nothing else is harmed.
func wantTreeKilled(t *testing.T, h *harness.Fixture, ex containerd.Process) {
	t.Helper()
	init := h.Init()
	awaitCount(t, h, 0, append(branches, "sh -c "+tree, "sh -c sleep 7003 > /dev/null 2>&1 < /dev/null; exit 1")...)
	wantAlive(t, "init", init)
	wantAlive(t, "a client's exec", int(ex.Pid()))
	left := filepath.Join(cgroupDir(t, init), "bookend-*")
	if v1 := cgroupsOf(t, init)["freezer"]; v1 != "" {
		left = filepath.Join(harness.CgroupRoot, "freezer", v1, "bookend-*")
	}
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "the hook's cgroup to be removed", func() error {
		if dirs, err := filepath.Glob(left); err != nil || len(dirs) > 0 {
			return fmt.Errorf("%v: %w", dirs, os.ErrExist)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestExecHookIsKilledWithAllOfItsProcessesByATimeout(t *testing.T) {
	d := shared.Daemon(t)
	for _, name := range []string{"task", "shared pid"} { // the others have the cancel
		t.Run(name, func(t *testing.T) {
			h, reply := startWith(t, d, podKinds[name], harness.Entrypoint, `{"postStart":{"timeoutSeconds":5,"failurePolicy":"Ignore","exec":`+shell(tree)+`}}`)
			h.Await("post")
			awaitCount(t, h, 1, branches...)
			ex := startExec(t, h, "sleep", "8000")
			if err := wantReply(t, reply); err != nil {
				t.Error(err)
			}
			if ev := h.WantHookEvent("postStart", "timeout"); ev["outcome"] != "TimedOut" {
				t.Errorf("event %v, want TimedOut", ev)
			}
			wantTreeKilled(t, h, ex)
		})
	}
}

func TestExecHookIsKilledWithAllOfItsProcessesByACancel(t *testing.T) {
	d := shared.Daemon(t)
	for name, pod := range podKinds {
		t.Run(name, func(t *testing.T) {
			h, reply := startWith(t, d, pod, harness.DeafEntrypoint, `{"postStart":{"exec":`+shell(tree)+`}}`)
			h.Await("post")
			ex := startExec(t, h, "sleep", "8000")
			awaitCount(t, h, 1, branches...)
			h.Kill(syscall.SIGTERM) // which the entrypoint outlives
			h.WantHookEvent("postStart", "cancel")
			wantTreeKilled(t, h, ex)
			h.Kill(syscall.SIGKILL)
			_ = wantReply(t, reply)
		})
	}
}

func TestExecHooksProcessesStayAfterItsSuccessAndGoWithTheContainer(t *testing.T) {
	d := shared.Daemon(t)
	for name, pod := range podKinds {
		t.Run(name, func(t *testing.T) {
			// They hold the hook's output open: nobody waits for that.
			h, reply := startWith(t, d, pod, harness.Entrypoint, `{"postStart":{"exec":`+shell(`setsid sleep 7002 &
(cat /fifo/pre-go; echo out; echo err >&2; echo child >> /fifo/trace; exec sleep 7001) &
echo here > /fifo/post; exit 0`)+`}}`)
			h.Await("post")
			if err := wantReply(t, reply); err != nil {
				t.Fatal(err)
			}
			h.WantHookEvent("postStart", "success")
			h.Open("pre-go")
			awaitCount(t, h, 1, "sleep 7001", "sleep 7002")
			if got := h.Trace(); !slices.Equal(got, []string{"child"}) {
				t.Errorf("trace %q of a child that writes to the output of its hook, want %q", got, "child")
			}
			h.Kill(syscall.SIGTERM)
			if _, err := h.Events.WaitTopic(t.Context(), "/tasks/exit", h.ID); err != nil {
				t.Fatal(err)
			}
			awaitCount(t, h, 0, "sleep 7001", "sleep 7002")
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
			h, reply := startWith(t, d, nil, harness.Entrypoint, `{"postStart":{"timeoutSeconds":0,"exec":`+shell(script)+`}}`)
			if err := wantReply(t, reply); err != nil {
				t.Error(err)
			}
			h.WantHookEvent("postStart", "success")
			h.Kill(syscall.SIGTERM)
			h.WantTopic("/tasks/exit")
		})
	}
}

func TestExecHooksProcessesAreReaped(t *testing.T) {
	d := shared.Daemon(t)
	for name, pod := range podKinds {
		t.Run(name, func(t *testing.T) {
			h, reply := startWith(t, d, pod, harness.Entrypoint, `{"postStart":{"exec":`+shell(`sleep 7001 & setsid sleep 7002 & exit 0`)+`}}`)
			if err := wantReply(t, reply); err != nil {
				t.Fatal(err)
			}
			awaitCount(t, h, 1, "sleep 7001", "sleep 7002")
			wantNoZombies(t, d) // while the output is still open
			for _, p := range append(find(h, "sleep 7001"), find(h, "sleep 7002")...) {
				if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			awaitCount(t, h, 0, "sleep 7001", "sleep 7002")
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
