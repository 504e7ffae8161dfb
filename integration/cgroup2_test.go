package integration

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The tests in the files cgroup2_*_test.go are about exec hooks where the kernel has
// cgroup v2 and nothing else.

// needCgroup2 skips a test on a machine whose containers are in cgroups v1.
func needCgroup2(t *testing.T) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(harness.CgroupRoot, &st); err != nil || st.Type != unix.CGROUP2_SUPER_MAGIC {
		t.Skip("this machine has no cgroup v2 on " + harness.CgroupRoot)
	}
}

// cgroup2 gives a container a cgroup namespace, as Kubernetes and Docker do on cgroup
// v2, and a mount of its own cgroup: "ro", or "rw" for a container that manages it.
func cgroup2(mode string) func(*harness.TaskOptions) {
	return func(o *harness.TaskOptions) {
		o.Spec = append(o.Spec, oci.WithLinuxNamespace(specs.LinuxNamespace{Type: specs.CgroupNamespace}), mountCgroups(mode))
	}
}

func mountCgroups(mode string) oci.SpecOpts {
	return oci.WithMounts([]specs.Mount{{
		Type: "cgroup", Source: "cgroup", Destination: harness.CgroupRoot, Options: []string{mode, "nosuid", "noexec", "nodev"},
	}})
}

func limitMemory(bytes uint64) func(*harness.TaskOptions) {
	return func(o *harness.TaskOptions) { o.Spec = append(o.Spec, oci.WithMemoryLimit(bytes)) }
}

// args gives a container another entrypoint.
func entrypoint(script string) func(*harness.TaskOptions) {
	return func(o *harness.TaskOptions) { o.Args = []string{"sh", "-c", script} }
}

// cgroup2Dir is the directory of the cgroup in which a process is.
func cgroup2Dir(t *testing.T, pid int) string {
	t.Helper()
	return filepath.Join(harness.CgroupRoot, cgroupsOf(t, pid)[""])
}

// readCgroup reads a file of a cgroup that has one number, or other short text.
func readCgroup(t *testing.T, dir, file string) string {
	t.Helper()
	return strings.TrimSpace(readFile(t, filepath.Join(dir, file)))
}

func cgroupNumber(t *testing.T, dir, file string) int {
	t.Helper()
	n, err := strconv.Atoi(readCgroup(t, dir, file))
	if err != nil {
		t.Fatalf("%s of %s: %v", file, dir, err)
	}
	return n
}

// cgroupEvent is one figure of a file such as memory.events.
func cgroupEvent(t *testing.T, dir, file, name string) int {
	t.Helper()
	for line := range strings.Lines(readFile(t, filepath.Join(dir, file))) {
		if key, n, _ := strings.Cut(strings.TrimSpace(line), " "); key == name {
			figure, err := strconv.Atoi(n)
			if err != nil {
				t.Fatal(err)
			}
			return figure
		}
	}
	t.Fatalf("%s of %s has no %s", file, dir, name)
	return 0
}

func writeCgroup(t *testing.T, dir, file, value string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(value); err != nil {
		t.Fatal(err)
	}
}

// probing is a script whose output goes into a file that the test reads, and which
// then waits at its FIFOs.
func probing(probe, hook string) string {
	return `{ ` + probe + `; } > /fifo/hook 2>&1; echo here > /fifo/` + hook + `; cat /fifo/` + hook + `-go; exit 0`
}

// runsOut is the timeout of a hook that a test does something to before it runs out: so
// many seconds, and more on a slow machine.
func runsOut(seconds int) string {
	const quick = 8 // times faster than what it takes
	scaled := harness.Scaled(time.Duration(seconds) * time.Second / quick)
	return `"timeoutSeconds":` + strconv.Itoa(max(seconds, int(scaled/time.Second))) + `,`
}

// wantAsExec compares what a probe printed as a hook with what it prints by the exec
// of the container's runtime, and returns both. differ says what may differ: it gets
// and returns what the hook printed.
func wantAsExec(t *testing.T, h *harness.Fixture, probe string, differ func(string) string) (exec string) {
	t.Helper()
	runExec(t, h, `{ `+probe+`; } > /fifo/exec 2>&1`)
	hook, exec := readFile(t, filepath.Join(h.FIFOs.Dir, "hook")), readFile(t, filepath.Join(h.FIFOs.Dir, "exec"))
	if differ != nil {
		hook = differ(hook)
	}
	if hook != exec {
		t.Errorf("the hook sees\n%sand the runtime's exec\n%s", hook, exec)
	}
	return exec
}

// runExec runs a script in a container by the exec of its runtime, to its end.
func runExec(t *testing.T, h *harness.Fixture, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(namespaces.WithNamespace(t.Context(), h.Namespace), harness.Limit(harness.ReadyTimeout))
	defer cancel()
	task := h.Load()
	spec, err := task.Spec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	spec.Process.Args, spec.Process.Terminal = []string{"sh", "-c", script}, false
	ex, err := task.Exec(ctx, harness.NewID("x"), spec.Process, cio.NullIO)
	if err != nil {
		t.Fatal(err)
	}
	exited, err := ex.Wait(ctx)
	if err == nil {
		err = ex.Start(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-exited:
	case <-ctx.Done():
		t.Fatalf("exec %q: %v", script, ctx.Err())
	}
	if _, err := ex.Delete(ctx); err != nil {
		t.Fatal(err)
	}
}

// wantHookIn checks where a hook is that waits at one of its FIFOs.
func wantHookIn(t *testing.T, h *harness.Fixture, want, waits string) {
	t.Helper()
	awaitCount(t, h, 1, waits)
	for _, p := range find(h, waits) {
		if got := cgroupsOf(t, p.PID)[""]; got != want {
			t.Errorf("the hook is in %s, want %s", got, want)
		}
	}
}

// wantByJoiner waits for the success of a hook, and checks that no exec of the runtime
// ran it: that would be where itself is.
func wantByJoiner(t *testing.T, h *harness.Fixture, hook string) {
	t.Helper()
	if ev := h.WantHookEvent(hook, "success"); ev["runner"] != "joiner" {
		t.Errorf("event %v, want the runner \"joiner\"", ev)
	}
}

// wantNoHookCgroup waits until no cgroup of a hook is left in a container's.
func wantNoHookCgroup(t *testing.T, dir string) {
	t.Helper()
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "the hook's cgroup to be removed", func() error {
		if left, err := filepath.Glob(filepath.Join(dir, "bookend-*")); err != nil || len(left) > 0 {
			return fmt.Errorf("%v: %w", left, os.ErrExist)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// placement is a kind of container, and where its hooks are.
type placement struct {
	edit []func(*harness.TaskOptions)
	own  bool   // hooks are in the container's own cgroup
	sees string // what the runtime's exec reads of its cgroup; empty: the path on the node
}

var placements = map[string]placement{
	"namespace":    {edit: []func(*harness.TaskOptions){cgroup2("ro")}, sees: "/"},
	"no namespace": {},
	"writable":     {edit: []func(*harness.TaskOptions){cgroup2("rw")}, own: true, sees: "/"},
}

// A hook is in a child of its container's cgroup and sees what the runtime's exec
// sees: in a cgroup namespace all of it, else all but the child's name.
func TestCgroup2HookIsWhereItsContainerIs(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	const limits = `; cd /sys/fs/cgroup && cat memory.max pids.max cpu.max`
	for name, tt := range placements {
		t.Run(name, func(t *testing.T) {
			edit := append(slices.Clone(tt.edit), limitMemory(64<<20))
			probe := "cat /proc/self/cgroup"
			if tt.sees != "" {
				probe += limits
			}
			script := shell(probing(probe, "post"))
			h := harness.CreateTask(t, d, `{"postStart":{"exec":`+script+`},"preStop":{"exec":`+shell(probing(probe, "pre"))+`}}`, edit...)
			reply := h.Begin(t.Context())
			h.Await("main", "post")
			container := cgroupsOf(t, h.Init())[""]
			wantDriversCgroup(t, h, container)
			look := func(waits string) {
				t.Helper()
				want, differ := container, func(s string) string { return s }
				if !tt.own {
					want += "/bookend-0"
				}
				if !tt.own && tt.sees == "" {
					differ = func(s string) string { return strings.Replace(s, "/bookend-0\n", "\n", 1) }
					if !strings.Contains(readFile(t, filepath.Join(h.FIFOs.Dir, "hook")), "/bookend-0\n") {
						t.Error("without a cgroup namespace the hook does not see its own cgroup's name")
					}
				}
				wantHookIn(t, h, want, waits)
				sees := tt.sees
				if sees == "" {
					sees = container
				}
				if got := wantAsExec(t, h, probe, differ); !strings.HasPrefix(got, "0::"+sees+"\n") || tt.sees != "" && !strings.Contains(got, "\n67108864\n") {
					t.Errorf("the runtime's exec printed\n%s", got)
				}
			}
			look("cat /fifo/post-go")
			h.Open("post-go")
			if err := wantReply(t, reply); err != nil {
				t.Fatal(err)
			}
			wantNoHookCgroup(t, cgroup2Dir(t, h.Init()))
			h.Kill(syscall.SIGTERM)
			h.Await("pre")
			look("cat /fifo/pre-go")
			h.Open("pre-go")
			wantByJoiner(t, h, "postStart")
			wantByJoiner(t, h, "preStop")
			h.WantExit(0)
			h.WantTraceSoon("term")
		})
	}
}

// wantDriversCgroup checks that the container is where the node's cgroup driver puts it:
// with systemd in a scope.
func wantDriversCgroup(t *testing.T, h *harness.Fixture, cgroup string) {
	t.Helper()
	if scope := path.Ext(cgroup) == ".scope"; scope != harness.SystemdCgroups() || !strings.Contains(cgroup, h.ID) {
		t.Fatalf("the container is in %s: the test would prove nothing", cgroup)
	}
}
