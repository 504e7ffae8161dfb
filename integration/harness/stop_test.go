package harness

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/vishvananda/netlink"
)

// TestStopRemovesEverything stops a daemon with a pod and a paused task.
func TestStopRemovesEverything(t *testing.T) {
	d, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	runSomething(t, d)
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkGone(t, d)
}

// TestSweepRemovesWhatADeadOwnerLeft takes a daemon for one whose owner died:
// no process has the start time that its owner file tells.
func TestSweepRemovesWhatADeadOwnerLeft(t *testing.T) {
	d, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Stop(cleanupContext(t)) })
	runSomething(t, d)
	if err := sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.CRI.Version(t.Context(), nil); err != nil {
		t.Fatalf("after a sweep while the owner lives: %v", err)
	}
	owner := strconv.Itoa(os.Getpid()) + " 1"
	if err := os.WriteFile(filepath.Join(d.Dir, "owner"), []byte(owner), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkGone(t, d)
}

func runSomething(t *testing.T, d *Daemon) {
	t.Helper()
	pod, err := d.CRI.RunPod(t.Context(), PodOptions{Handler: Runc})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pod.RunContainer(t.Context(), ContainerOptions{}); err != nil {
		t.Fatal(err)
	}
	task, err := d.Tasks.Run(t.Context(), TaskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := task.Pause(t.Context()); err != nil { // SIGKILL alone does not end it then
		t.Fatal(err)
	}
}

func checkGone(t *testing.T, d *Daemon) {
	t.Helper()
	if procs, err := processesOf(d.Dir); err != nil || len(procs) > 0 {
		t.Errorf("processes: %v, %v", procs, err)
	}
	if mounts, err := mountsBelow(d.Dir); err != nil || len(mounts) > 0 {
		t.Errorf("mounts: %v, %v", mounts, err)
	}
	if cgroups, err := cgroupDirs(d.Cgroup()); err != nil || len(cgroups) > 0 {
		t.Errorf("cgroups: %v, %v", cgroups, err)
	}
	if states, err := runcStates(d.Dir); err != nil || len(states) > 0 {
		t.Errorf("runc's state: %v, %v", states, err)
	}
	if _, err := netlink.LinkByName(d.net.name); !errors.As(err, &netlink.LinkNotFoundError{}) {
		t.Errorf("bridge: %v", err)
	}
	cached, err := filepath.Glob(filepath.Join(libcniCache, d.net.name+"-*"))
	if err != nil || len(cached) > 0 {
		t.Errorf("CNI cache: %v, %v", cached, err)
	}
	if _, err := os.Stat(d.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("directory: %v", err)
	}
}
