package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"golang.org/x/sys/unix"
)

// fillingTmpfs mounts a small file system until the test ends, which fill fills.
func fillingTmpfs(t *testing.T) (dir string, fill func()) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k,nr_inodes=256"); err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, func(context.Context) error { return unix.Unmount(dir, unix.MNT_DETACH) })
	return dir, func() {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("fill the tmpfs: %v", err)
		}
	}
}

func TestRecordsOnADiskThatFillsUpHoldNoDeleteUp(t *testing.T) {
	d := shared.Daemon(t)
	dir, fill := fillingTmpfs(t)
	setConfig(t, d, "[records]\ndirectory = '"+dir+"'\n")
	post := `{"exec":` + shell(`echo post >> /fifo/trace; echo begun`) + `}`
	lifecycle := `{"postStart":` + post + `,"preStop":{"exec":` + shell(waitingPre+`; head -c 200000 /dev/zero`) + `}}`

	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{harness.PodLifecycleKey: lifecycle}})
	main := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
	stopped, late := harness.RunTask(t, d, lifecycle), harness.RunTask(t, d, lifecycle)
	dying := stoppingTask(t, d)
	stopped.Kill(syscall.SIGTERM)
	stopped.Await("pre")
	for h, want := range map[*harness.Fixture][]string{
		main: {"postStart Succeeded"}, late: {"postStart Succeeded"}, stopped: {"postStart Succeeded", "preStop"}, dying: {"preStop"},
	} {
		awaitAttemptsIn(t, dir, h.ID, want...)
	}

	t.Run("during preStop", func(t *testing.T) {
		fill()
		stopped.Open("pre-go")
		deleteTask(t, stopped)
		if a := awaitAttemptsIn(t, dir, stopped.ID, "postStart Succeeded", "preStop Succeeded"); len(a[1].Stdout) > 0 {
			t.Errorf("%d bytes of output are on a full disk", len(a[1].Stdout))
		}
	})
	t.Run("before preStop", func(t *testing.T) {
		fill() // the status of a container that is gone left room
		late.Kill(syscall.SIGTERM)
		late.Await("pre")
		late.Open("pre-go")
		deleteTask(t, late)
		awaitAttemptsIn(t, dir, late.ID, "postStart Succeeded")
	})
	t.Run("before preStop in a pod", func(t *testing.T) {
		fill()
		reply := main.BeginStop()
		main.Await("pre")
		main.Open("pre-go")
		if err := wantReply(t, reply); err != nil {
			t.Error(err)
		}
		if err := pod.Remove(t.Context()); err != nil {
			t.Error(err)
		}
		main.WantTrace("post", "pre", "term")
		wantNoRoomTold(t, main)
	})
	t.Run("shim dies", func(t *testing.T) {
		fill()
		killShim(t, d, dying.ID)
		wantNoProcess(t, d, dying.ID)
		dying.WantTopic("/tasks/exit")
		awaitAttemptsIn(t, dir, dying.ID, "preStop Unknown")
	})
	if left, err := filepath.Glob(filepath.Join(dir, "containers", "*")); err != nil || len(left) > 0 {
		t.Errorf("statuses %q are left, %v", left, err)
	}
}

// deleteTask waits for the exit of a container that has run both its hooks, deletes it,
// and wants the log to say what was not recorded.
func deleteTask(t *testing.T, h *harness.Fixture) {
	t.Helper()
	h.WantExit(0)
	h.WantTrace("post", "pre", "term")
	if _, err := h.Task.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	wantNoRoomTold(t, h)
}

// wantNoRoomTold waits until the log says why the record of a preStop is not there, or
// has no output.
func wantNoRoomTold(t *testing.T, h *harness.Fixture) {
	t.Helper()
	wantLine(t, h.Daemon, "the record of attempt 1 of preStop of container "+h.ID, "no space left on device")
}

// wantLine waits for a line in the log that has these words.
func wantLine(t *testing.T, d *harness.Daemon, words ...string) {
	t.Helper()
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "a line in the log", func() error {
		if !slices.ContainsFunc(strings.Split(d.Log(), "\n"), contains(words...)) {
			return fmt.Errorf("none says %q", words)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
