package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/pkg/oci"
)

// The tests in this file are about containers that write to their own cgroups.

// managing are containers that may write to their cgroup from the start: their hooks
// are where the exec of the runtime is, which is where the init has gone.
var managing = map[string]struct {
	script string // before the entrypoint
	sees   string // what the runtime's exec reads of its cgroup
}{
	"moves itself and divides the cgroup": {`mkdir inner; echo 0 > inner/cgroup.procs; echo +memory +pids > cgroup.subtree_control`, "/inner"},
	"moves itself":                        {`mkdir inner; echo 0 > inner/cgroup.procs`, "/"},
	"has a threaded one below":            {`mkdir threads; echo threaded > threads/cgroup.type`, "/"},
	"cuts its descendants":                {`echo 0 > cgroup.max.descendants`, "/"},
}

func TestCgroup2HookOfAContainerThatManagesItsCgroups(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	const probe = `cat /proc/self/cgroup; cd /sys/fs/cgroup; cat cgroup.type cgroup.controllers cgroup.subtree_control; echo *`
	for name, tt := range managing {
		t.Run(name, func(t *testing.T) {
			script := `cd /sys/fs/cgroup; ` + tt.script + `; cd /; ` + harness.Entrypoint
			h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(probing(probe, "pre"))+`}}`, cgroup2("rw"), entrypoint(script))
			init := cgroupsOf(t, h.Init())[""]
			h.Kill(syscall.SIGTERM)
			h.Await("pre")
			want := init
			if tt.sees == "/" {
				want = strings.TrimSuffix(init, "/inner")
			}
			wantHookIn(t, h, want, "cat /fifo/pre-go")
			if got := wantAsExec(t, h, probe, nil); !strings.HasPrefix(got, "0::"+tt.sees+"\n") {
				t.Errorf("the runtime's exec printed\n%s", got)
			}
			h.Open("pre-go")
			wantByJoiner(t, h, "preStop")
			h.WantExit(0)
			h.WantTraceSoon("term")
		})
	}
}

// family is a hook whose children leave its session and its process group, but not
// their parent.
const family = `sleep 7001 & setsid sleep 7002 & setsid sh -c 'sleep 7003; exit 0' & trap '' TERM HUP
echo post >> /fifo/trace
until echo here > /fifo/post; do :; done
cat /fifo/post-go; exit 0`

var members = []string{"sleep 7001", "sleep 7002", "sleep 7003", "cat /fifo/post-go"}

// A postStart begins while the container has not divided its cgroup yet, and would
// keep it from doing so as any process of the runtime's exec would: who divides a
// cgroup moves what is in it. What the hook started is killed wherever it was moved, as
// far as it is of the hook's session or descends from it.
func TestCgroup2PostStartIsMovedByItsContainer(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	script := `cat /fifo/pre-go; cd /sys/fs/cgroup; mkdir inner
until { for p in $(cat cgroup.procs); do echo $p > inner/cgroup.procs; done; } 2> /dev/null; echo +memory > cgroup.subtree_control; do :; done
cd /; ` + harness.DeafEntrypoint
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(family)+`}}`, cgroup2("rw"), entrypoint(script))
	reply := h.Begin(t.Context())
	h.Await("post")
	awaitCount(t, h, 1, members...)
	h.Open("pre-go")
	h.Await("main")
	wantHookIn(t, h, cgroupsOf(t, h.Init())[""], "cat /fifo/post-go")
	ex := startExec(t, h, "sleep", "8000")
	h.Kill(syscall.SIGTERM) // which the entrypoint outlives
	h.WantHookEvent("postStart", "cancel")
	awaitCount(t, h, 0, members...)
	wantAlive(t, "init", h.Init())
	wantAlive(t, "a client's exec", int(ex.Pid()))
	h.Kill(syscall.SIGKILL)
	_ = wantReply(t, reply)
}

// meddler is an entrypoint with a mount of its own cgroup that its runtime knows
// nothing of: its hooks are in a child, of which it does what the test says at the
// FIFO "pre-go".
var meddler = `mkdir -p /tmp/cg; mount -t cgroup2 none /tmp/cg || exit 9
(cd /tmp/cg; while read word < /fifo/pre-go; do eval "$(cat /fifo/do)" 2> /fifo/said; echo done > /fifo/post-go; done) &
` + harness.DeafEntrypoint

// meddle has the container run a line.
func meddle(t *testing.T, h *harness.Fixture, line string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.FIFOs.Dir, "do"), []byte(line), 0o644); err != nil {
		t.Fatal(err)
	}
	h.Open("pre-go")
	h.Await("post-go")
	if said := readFile(t, filepath.Join(h.FIFOs.Dir, "said")); said != "" {
		t.Fatalf("%s: %s", line, said)
	}
}

func mayMount(o *harness.TaskOptions) {
	o.Spec = append(o.Spec, oci.WithAddedCapabilities([]string{"CAP_SYS_ADMIN"}), oci.WithNewPrivileges)
}

// What a container does to the cgroups of its hooks is done to the hooks alone: they
// fail or run out of time, nothing of them is left, and the stop goes on.
func TestCgroup2ContainerMeddlesWithItsHooksCgroups(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	for name, tt := range map[string]struct {
		line  string
		check func(t *testing.T, h *harness.Fixture, container string)
		verb  string // of the hook's event
	}{
		"kills it": {line: "echo 1 > bookend-0/cgroup.kill", verb: "failure"},
		"freezes it": {line: "echo 1 > bookend-0/cgroup.freeze", verb: "timeout", check: func(t *testing.T, _ *harness.Fixture, container string) {
			awaitFrozen(t, filepath.Join(container, "bookend-0"), true)
		}},
		"moves it out and removes the cgroup": {
			line: "for p in $(cat bookend-0/cgroup.procs); do echo $p > cgroup.procs; done; rmdir bookend-0", verb: "timeout",
			check: func(t *testing.T, h *harness.Fixture, container string) {
				wantHookIn(t, h, strings.TrimPrefix(container, harness.CgroupRoot), "sleep 7001")
			},
		},
		"divides the cgroup around it": {
			line: "mkdir inner; for p in $(cat cgroup.procs); do echo $p > inner/cgroup.procs; done 2> /dev/null; echo +memory +pids > cgroup.subtree_control", verb: "timeout",
			check: func(t *testing.T, h *harness.Fixture, container string) {
				if got := readCgroup(t, container, "cgroup.subtree_control"); got != "memory pids" {
					t.Errorf("the container has enabled %q", got)
				}
				// It is counted in its own cgroup now, and in the container's as before.
				wantHookIn(t, h, strings.TrimPrefix(container, harness.CgroupRoot)+"/bookend-0", "sleep 7001")
				if n := cgroupNumber(t, filepath.Join(container, "bookend-0"), "pids.current"); n != 2 {
					t.Errorf("%d processes in the hook's cgroup, want its shell and its sleep", n)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := harness.RunTask(t, d, `{"preStop":{`+runsOut(15)+`"exec":`+shell(`echo here > /fifo/pre; sleep 7001; exit 0`)+`}}`, cgroup2("ro"), mayMount, entrypoint(meddler))
			init := h.Init()
			container := cgroup2Dir(t, init)
			h.Kill(syscall.SIGTERM)
			h.Await("pre")
			wantHookIn(t, h, strings.TrimPrefix(container, harness.CgroupRoot)+"/bookend-0", "sleep 7001")
			meddle(t, h, tt.line)
			if tt.check != nil {
				tt.check(t, h, container)
			}
			h.WantHookEvent("preStop", tt.verb)
			h.WantTraceSoon("term")
			awaitCount(t, h, 0, "sleep 7001")
			wantNoHookCgroup(t, container)
			wantAlive(t, "the init", init)
		})
	}
	t.Run("makes it threaded", func(t *testing.T) {
		h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(`cat /proc/self/cgroup > /fifo/hook; echo pre >> /fifo/trace`)+`}}`, cgroup2("ro"), mayMount, entrypoint(meddler))
		meddle(t, h, "mkdir threads; echo threaded > threads/cgroup.type")
		h.Kill(syscall.SIGTERM)
		h.WantTraceSoon("pre", "term")
		if got := readFile(t, filepath.Join(h.FIFOs.Dir, "hook")); got != "0::/\n" {
			t.Errorf("the hook sees %s, want its container's own cgroup", got)
		}
		h.WantLog("exec hook gets no cgroup of its own")
	})
}
