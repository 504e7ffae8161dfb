package integration

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about memory: what a hook takes is its container's, and
// its pod's, and what happens when that is too much.

// hog is a command that takes memory until there is none.
const hog = `tail /dev/zero`

// unified sets a file of the container's cgroup, as CRI's field of that name does.
func unified(file, value string) func(*harness.TaskOptions) {
	return func(o *harness.TaskOptions) {
		o.Spec = append(o.Spec, func(_ context.Context, _ oci.Client, _ *containers.Container, s *specs.Spec) error {
			if s.Linux.Resources == nil {
				s.Linux.Resources = &specs.LinuxResources{}
			}
			if s.Linux.Resources.Unified == nil {
				s.Linux.Resources.Unified = map[string]string{}
			}
			s.Linux.Resources.Unified[file] = value
			return nil
		})
	}
}

// The kernel kills the largest process of a container that is out of memory, and
// that is the hook's: the hook has failed, and the container is alive.
func TestCgroup2OOMInAHookIsTheHooksFailure(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	for name, tt := range map[string]struct{ script, cause string }{
		"first process": {"exec " + hog, "killed by signal"},
		"child":         {hog + "; exit $?", "exit status"},
	} {
		t.Run(name, func(t *testing.T) {
			h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(tt.script)+`}}`, cgroup2("ro"), limitMemory(32<<20), unified("memory.swap.max", "0"))
			init, dir := h.Init(), cgroup2Dir(t, h.Init())
			h.Kill(syscall.SIGTERM)
			if ev := h.WantHookEvent("preStop", "failure"); ev["cause"] != tt.cause || ev["reason"] != "FailedPreStopHook" {
				t.Errorf("event %v, want cause %s", ev, tt.cause)
			}
			h.WantExit(0) // SIGTERM's: the init has outlived its hook
			h.WantTrace("term")
			h.WantTopic("/tasks/oom")
			a := awaitAttempts(t, d, h.ID, "preStop Failed "+tt.cause)[0]
			if tt.cause == "killed by signal" && a.Signal != int(syscall.SIGKILL) {
				t.Errorf("record %+v, want signal 9", a)
			}
			if tt.cause != "killed by signal" && (a.ExitCode == nil || *a.ExitCode != 128+int(syscall.SIGKILL)) {
				t.Errorf("record %+v, want exit code 137", a)
			}
			if _, err := os.Stat(dir); err == nil && cgroupEvent(t, dir, "memory.events", "oom_kill") == 0 {
				t.Errorf("nothing was killed in the cgroup of process %d", init)
			}
		})
	}
	t.Run("postStart", func(t *testing.T) {
		h := harness.CreateTask(t, d, `{"postStart":{"failurePolicy":"Ignore","exec":`+shell("exec "+hog)+`}}`, cgroup2("ro"), limitMemory(32<<20), unified("memory.swap.max", "0"))
		h.Run()
		if ev := h.WantHookEvent("postStart", "failure"); ev["cause"] != "killed by signal" {
			t.Errorf("event %v", ev)
		}
		if dir := cgroup2Dir(t, h.Init()); cgroupEvent(t, dir, "memory.events", "oom_kill") != 1 {
			t.Errorf("memory.events: %s", readCgroup(t, dir, "memory.events"))
		}
		h.Stop()
	})
}

// With memory.oom.group the kernel kills a container as a whole: the hook has not
// failed, it went with its container.
func TestCgroup2OOMInAHookOfAGroupIsTheContainersEnd(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	limits := []func(*harness.TaskOptions){cgroup2("ro"), limitMemory(32 << 20), unified("memory.swap.max", "0"), unified("memory.oom.group", "1")}
	t.Run("preStop", func(t *testing.T) {
		h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell("exec "+hog)+`}}`, limits...)
		h.Kill(syscall.SIGTERM)
		h.WantExit(128 + int(syscall.SIGKILL))
		h.WantTrace()
		h.WantTopic("/tasks/oom")
		awaitAttempts(t, d, h.ID, "preStop Cancelled cancelled")
	})
	t.Run("postStart", func(t *testing.T) {
		h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell("exec "+hog)+`}}`, limits...)
		if err := h.Start(t.Context()); err != nil {
			t.Errorf("Start: %v; want success, and the exit code of the container", err)
		}
		h.WantExit(128 + int(syscall.SIGKILL))
		awaitAttempts(t, d, h.ID, "postStart Cancelled cancelled")
	})
}

// podCgroup is the cgroup of a pod, in which the kubelet sets the limits of the pod
// as a whole.
type podCgroup struct {
	parent string // as the kubelet tells it to the CRI
	dir    string
}

// kubeletCgroup makes one below that of "burstable" pods, with a limit of memory.
func kubeletCgroup(t *testing.T, d *harness.Daemon, limit int) podCgroup {
	t.Helper()
	pod := "pod" + strings.ReplaceAll(harness.NewID("u"), "-", "_")
	if harness.SystemdCgroups() {
		return kubeletSlice(t, pod, limit)
	}
	c := podCgroup{parent: d.Cgroup() + "/kubepods/burstable/" + pod}
	c.dir = filepath.Join(harness.CgroupRoot, c.parent)
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, func(context.Context) error { return removeCgroup(c.dir, 3) })
	dir := harness.CgroupRoot
	for name := range strings.SplitSeq(strings.TrimPrefix(c.parent, "/"), "/") {
		writeCgroup(t, dir, "cgroup.subtree_control", "+memory +pids +cpu")
		dir = filepath.Join(dir, name)
	}
	writeCgroup(t, c.dir, "memory.max", strconv.Itoa(limit))
	writeCgroup(t, c.dir, "memory.swap.max", "0")
	return c
}

// removeCgroup removes a cgroup and those above it, levels in all.
func removeCgroup(dir string, levels int) error {
	for range levels {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		dir = filepath.Dir(dir)
	}
	return nil
}

// kubeletSlice is kubeletCgroup where systemd makes cgroups: a slice, named after
// those above it, of which the kubelet asks systemd by D-Bus.
func kubeletSlice(t *testing.T, pod string, limit int) podCgroup {
	t.Helper()
	slice := "kubepods-burstable-" + pod + ".slice"
	c := podCgroup{parent: slice, dir: filepath.Join(harness.CgroupRoot, "kubepods.slice/kubepods-burstable.slice", slice)}
	out, err := exec.Command("busctl", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
		"StartTransientUnit", "ssa(sv)a(sa(sv))", slice, "replace", "3",
		"DefaultDependencies", "b", "false", "MemoryMax", "t", strconv.Itoa(limit), "MemorySwapMax", "t", "0", "0").CombinedOutput()
	if err != nil {
		t.Fatalf("make slice %s: %v: %s", slice, err, out)
	}
	harness.Cleanup(t, func(ctx context.Context) error { return systemctl(ctx, "stop", "kubepods.slice") })
	err = harness.Poll(t.Context(), harness.ReadyTimeout, "the slice's limit", func() error {
		if data, err := os.ReadFile(filepath.Join(c.dir, "memory.max")); err != nil || strings.TrimSpace(string(data)) != strconv.Itoa(limit) {
			return errors.Join(err, fmt.Errorf("it is %q", data))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const podLimit = 96 << 20

// The kubelet limits a pod as a whole in the cgroup above its containers'. A hook of a
// container that has no limit itself is counted there, and bound by it.
func TestCgroup2HookIsBoundByItsPodsLimits(t *testing.T) {
	needCgroup2(t)
	d := shared.Daemon(t)
	cgroup := kubeletCgroup(t, d, podLimit)
	lifecycle := `{"preStop":{"exec":` + shell(`head -c 32m /dev/zero > /dev/shm/taken; echo here > /fifo/pre; cat /fifo/pre-go; exec `+hog) + `}}`
	pod := d.TestPod(t, harness.PodOptions{
		Handler: harness.Bookend, Annotations: map[string]string{harness.PodLifecycleKey: lifecycle},
		Edit: func(p *runtimeapi.PodSandboxConfig) { p.GetLinux().CgroupParent = cgroup.parent },
	})
	h := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
	wantDriversCgroup(t, h, cgroupsOf(t, h.Init())[""])
	container := cgroup2Dir(t, h.Init())
	if filepath.Dir(container) != cgroup.dir {
		t.Fatalf("the container is in %s, want a child of %s", container, cgroup.dir)
	}
	if limit := readCgroup(t, container, "memory.max"); limit != "max" {
		t.Fatalf("the container has a limit of its own: %s", limit)
	}
	inPod, inContainer := cgroupNumber(t, cgroup.dir, "memory.current"), cgroupNumber(t, container, "memory.current")
	stopped := h.BeginStop()
	h.Await("pre")
	// Less than all of it: what else is charged comes and goes.
	if grown := cgroupNumber(t, cgroup.dir, "memory.current") - inPod; grown < 28<<20 {
		t.Errorf("the pod's memory has grown by %d bytes, want the hook's 32 MiB", grown)
	}
	if grown := cgroupNumber(t, container, "memory.current") - inContainer; grown < 28<<20 {
		t.Errorf("the container's memory has grown by %d bytes, want the hook's 32 MiB", grown)
	}
	h.Open("pre-go")
	if ev := h.WantHookEvent("preStop", "failure"); ev["cause"] != "killed by signal" {
		t.Errorf("event %v, want the hook killed", ev)
	}
	if n := cgroupEvent(t, cgroup.dir, "memory.events", "oom_kill"); n != 1 {
		t.Errorf("the kernel killed %d processes of the pod for lack of memory, want the hook's", n)
	}
	if err := wantReply(t, stopped); err != nil {
		t.Error(err)
	}
	h.WantTrace("term")
	awaitAttempts(t, d, h.ID, "preStop Failed killed by signal")
}
