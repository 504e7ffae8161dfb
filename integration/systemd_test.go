package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The tests in this file are about systemd: as the init of the node, and as that of a
// container.

func systemctl(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("systemctl %v: %w: %s", args, err, out)
	}
	return nil
}

// The node's systemd reads its units anew and changes limits while a hook runs in a
// scope: it leaves the hook's cgroup as it is, and its limits hold for the hook.
func TestSystemdLeavesAHookInItsScopeAlone(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	if !harness.SystemdCgroups() {
		t.Skip("this machine's cgroups are not made by systemd")
	}
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(waitingPre+`; exec `+hog)+`}}`, cgroup2("ro"), unified("memory.swap.max", "0"))
	dir := cgroup2Dir(t, h.Init())
	h.Kill(syscall.SIGTERM)
	h.Await("pre")
	in := strings.TrimPrefix(dir, harness.CgroupRoot) + "/bookend-0"
	wantHookIn(t, h, in, "cat /fifo/pre-go")
	scope := filepath.Base(dir)
	for _, args := range [][]string{
		{"daemon-reload"}, {"set-property", "--runtime", scope, "MemoryMax=32M", "CPUWeight=50", "TasksMax=100"}, {"daemon-reexec"},
	} {
		if err := systemctl(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
		wantHookIn(t, h, in, "cat /fifo/pre-go")
	}
	if got := readCgroup(t, dir, "memory.max"); got != "33554432" {
		t.Fatalf("memory.max of the scope is %s", got)
	}
	h.Open("pre-go")
	if ev := h.WantHookEvent("preStop", "failure"); ev["cause"] != "killed by signal" {
		t.Errorf("event %v, want the hook killed at the new limit", ev)
	}
	h.WantExit(0)
	h.WantTrace("pre", "term")
}

// inner are the units of a systemd in a container: one that tells when it is up, and
// what a halt needs.
var inner = map[string]string{
	"default.target": "[Unit]\nDefaultDependencies=no\nRequires=up.service\n",
	"up.service": "[Unit]\nDefaultDependencies=no\n" +
		"[Service]\nType=simple\nMemoryAccounting=yes\nTasksAccounting=yes\nExecStart=/bin/sh -c 'echo up > /fifo/main; exec sleep 6001'\n",
	"bookend-end.service": "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo end >> /fifo/trace'\nExecStart=/usr/bin/systemctl exit --force 7\n",
	"exit.target":         "[Unit]\nDefaultDependencies=no\nRequires=bookend-end.service\nAfter=bookend-end.service\n",
	"halt.target":         "[Unit]\nDefaultDependencies=no\nRequires=bookend-end.service\nAfter=bookend-end.service\n",
	"poweroff.target":     "[Unit]\nDefaultDependencies=no\nRequires=bookend-end.service\nAfter=bookend-end.service\n",
}

// withSystemd makes the node's systemd the init of a container of busybox.
func withSystemd(t *testing.T) func(*harness.TaskOptions) {
	t.Helper()
	const systemd = "/usr/lib/systemd/systemd"
	if _, err := os.Stat(systemd); err != nil {
		t.Skipf("this machine has no systemd: %v", err)
	}
	units := t.TempDir()
	for name, unit := range inner {
		if err := os.WriteFile(filepath.Join(units, name), []byte(unit), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bind := func(from, to string) specs.Mount {
		return specs.Mount{Type: "bind", Source: from, Destination: to, Options: []string{"rbind", "ro"}}
	}
	mounts := []specs.Mount{bind("/usr", "/usr"), bind("/usr/lib", "/lib"), bind(units, "/units"),
		{Type: "tmpfs", Source: "tmpfs", Destination: "/run", Options: []string{"nosuid", "nodev", "mode=755"}},
		{Type: "tmpfs", Source: "tmpfs", Destination: "/run/lock", Options: []string{"nosuid", "nodev"}}}
	if _, err := os.Stat("/usr/lib64"); err == nil {
		mounts = append(mounts, bind("/usr/lib64", "/lib64"))
	}
	return func(o *harness.TaskOptions) {
		cgroup2("rw")(o)
		o.Args = []string{systemd, "--log-target=console", "--show-status=no"}
		// As podman and Docker's guides have it.
		o.Env = append(o.Env, "container=oci", "SYSTEMD_UNIT_PATH=/units")
		o.Spec = append(o.Spec, oci.WithMounts(mounts))
	}
}

// A systemd that is a container's init moves itself into a child of the container's
// cgroup and enables controllers there. Hooks are then in the cgroup of the init, as
// the runtime's exec is, and nothing that they start escapes their end.
func TestSystemdAsAContainersInit(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	const probe = `cat /proc/self/cgroup; cd /sys/fs/cgroup; cat cgroup.subtree_control; ls -d *.s*`
	h := harness.CreateTask(t, d, `{"stopSignals":["SIGRTMIN+3"],"postStart":{"exec":`+shell(waitingPost)+`},"preStop":{"exec":`+shell(probing(probe, "pre"))+`}}`, withSystemd(t))
	reply := h.Begin(t.Context())
	h.Await("post", "main")
	init := cgroupsOf(t, h.Init())[""]
	if !strings.HasSuffix(init, "/init.scope") {
		t.Fatalf("the container's systemd is in %s", init)
	}
	// It was moved, or came later; between the two it stays in the container's own.
	awaitCount(t, h, 1, "cat /fifo/post-go")
	for _, p := range find(h, "cat /fifo/post-go") {
		if in := cgroupsOf(t, p.PID)[""]; in != init && in != path.Dir(init) {
			t.Errorf("the hook is in %s, want %s or the one above", in, init)
		}
	}
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	h.Kill(syscall.Signal(37)) // SIGRTMIN+3: halt
	h.Await("pre")
	wantHookIn(t, h, init, "cat /fifo/pre-go")
	got := wantAsExec(t, h, probe, nil)
	if lines := strings.Split(got, "\n"); lines[0] != "0::/init.scope" || !slices.Contains(strings.Fields(lines[1]), "memory") {
		t.Errorf("the runtime's exec printed\n%s", got)
	}
	h.WantTrace("post")
	h.Open("pre-go")
	wantByJoiner(t, h, "postStart")
	wantByJoiner(t, h, "preStop")
	h.WantTopic("/tasks/exit")
	h.WantTraceSoon("post", "end")
	awaitAttempts(t, d, h.ID, "postStart Succeeded", "preStop Succeeded")
}

// A hook that runs out of time is killed with its children, also where systemd has
// moved them, and systemd and its services are not.
func TestSystemdAsAContainersInitOutlivesACancelledHook(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{`+runsOut(15)+`"failurePolicy":"Ignore","exec":`+shell(family)+`}}`, withSystemd(t))
	reply := h.Begin(t.Context())
	h.Await("post", "main")
	awaitCount(t, h, 1, members...)
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
	if ev := h.WantHookEvent("postStart", "timeout"); ev["outcome"] != "TimedOut" {
		t.Errorf("event %v", ev)
	}
	awaitCount(t, h, 0, members...)
	awaitCount(t, h, 1, "sleep 6001")
	wantAlive(t, "systemd", h.Init())
}
