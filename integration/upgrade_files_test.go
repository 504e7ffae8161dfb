package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Packages rename new files over those that shims run from. What a shim began with it
// goes on with: its own code, the joiner in its memory, the bookend-exec that it has
// open, and the plans that it has made.
func TestUpgradeOfTheFilesUnderAShim(t *testing.T) {
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(content func(name string) []byte) {
		t.Helper()
		for _, name := range []string{harness.ShimBinary, harness.ExecBinary} {
			tmp := filepath.Join(dir, "."+name)
			if err := os.WriteFile(tmp, content(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	good := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(bins.Bin, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	put(good)
	handlers := harness.DefaultHandlers(bins)
	handlers[slices.IndexFunc(handlers, func(h harness.Handler) bool { return h.Name == harness.Bookend })].Path = filepath.Join(dir, harness.ShimBinary)
	d := harness.StartDaemon(t, harness.Options{Handlers: handlers})

	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	enter := func(name string, seccomp bool) *harness.Fixture {
		t.Helper()
		return harness.RunContainer(t, pod, harness.ContainerOptions{
			Name: name, Annotations: map[string]string{harness.LifecyclePrefix + name: noted},
			Edit: func(c *runtimeapi.ContainerConfig) {
				if seccomp {
					seccompDefault(c.Linux.SecurityContext)
				}
			},
		})
	}
	planned := enter("planned", false)
	put(func(name string) []byte {
		if name == harness.ExecBinary {
			return []byte("no program: who starts it fails\n")
		}
		return append(good(name), "another build"...) // older containerds start it for each container
	})
	compiled := enter("compiled", true) // of a profile that was not before
	setConfig(t, d, "[exec]\nentry = \"runtime\"\n")
	entered := enter("entered", false)
	for m, runner := range map[*harness.Fixture]string{planned: "joiner", compiled: "joiner", entered: "runtime"} {
		m.Stop()
		m.WantTrace(notes...)
		for _, a := range awaitAttempts(t, d, m.ID, "postStart Succeeded", "preStop Succeeded") {
			if a.Runner != runner {
				t.Errorf("%s of %s by %s, want %s", a.Hook, m.Container.Name(), a.Runner, runner)
			}
		}
	}
}

// A set of binaries is unused when no shim runs from it. containerd still cleans up after
// shims that died while it was away, and finds a binary for each of their containers.
func TestUpgradeThatPrunesLeavesTheCleanUpOfDeadShimsABinary(t *testing.T) {
	if before(t, 0) {
		t.Skip("containerd 1.7 is not configured by install")
	}
	n := newNode(t, harness.Options{Imports: []string{"conf.d/*.toml"}})
	n.wantCode(0, n.installArgs()...)
	n.restart()
	t.Run("shims", func(t *testing.T) {
		pod, task := newDyingPod(t, n.Daemon), stoppingTask(t, n.Daemon)
		tasks := shimPID(t, n.Daemon, task.ID)
		first := n.sets()
		killShimUnseen(t, n.Daemon, pod.ID)
		if err := syscall.Kill(tasks, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		err := harness.Poll(t.Context(), harness.EndTimeout, "the task's shim to end", func() error {
			if sets := n.sets(); len(sets) > 0 {
				return fmt.Errorf("shims run from %v", sets)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		n.wantCode(0, n.installArgs("--from", n.newBinaries(), "--prune")...)
		for set := range first {
			if _, err := os.Stat(set); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is not pruned: %v", set, err)
			}
		}
		if err := n.Relaunch(t.Context()); err != nil {
			t.Fatal(err)
		}
		pod.wantGone(t)
		pod.wantExited(t)
		wantNoProcess(t, n.Daemon, task.ID)
		awaitAttempts(t, n.Daemon, task.ID, "preStop Unknown")
		awaitNoStatus(t, n.Daemon, task.ID)
	})
	n.uninstall()
}
