package integration

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// withCriu starts a daemon that can make checkpoints, or skips the test.
func withCriu(t *testing.T) *harness.Daemon {
	t.Helper()
	criu, err := exec.LookPath("criu")
	if err != nil {
		t.Skipf("needs criu: %v", err)
	}
	if out, err := exec.Command(criu, "check").CombinedOutput(); err != nil {
		t.Skipf("needs a criu that knows this kernel: %v: %s", err, strings.TrimSpace(string(out)))
	}
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	return harness.StartDaemon(t, harness.Options{Path: []string{filepath.Dir(criu), bins.Tools, bins.Bin}})
}

// restore makes the container's task anew from a checkpoint of the one that runs,
// which it ends.
func restore(t *testing.T, h *harness.Fixture) {
	t.Helper()
	ctx := namespaces.WithNamespace(t.Context(), harness.TaskNamespace)
	image, err := h.Task.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, func(ctx context.Context) error {
		return h.Daemon.Client.ImageService().Delete(namespaces.WithNamespace(ctx, harness.TaskNamespace), image.Name())
	})
	if err := h.Task.Kill(ctx, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.WantExit(137)
	if _, err := h.Task.Delete(ctx); err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, func(context.Context) error { return removeUnpacked(h.Daemon) })
	if err := h.Task.Restore(ctx, h.Daemon, image); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

// removeUnpacked removes what containerd unpacks a checkpoint into, and leaves.
func removeUnpacked(d *harness.Daemon) error {
	dirs, err := filepath.Glob(d.Path("tmp", "ctrd-checkpoint*"))
	for _, dir := range dirs {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// A container that is restored from a checkpoint has an init that Create did not
// know. Its preStop hook gets into it; its postStart ran in its first life.
func TestPreStopOfARestoredContainer(t *testing.T) {
	h := harness.RunTask(t, withCriu(t), `{"postStart":{"exec":`+shell("echo post >> /fifo/trace")+`},
		"preStop":{"exec":`+shell("test -f /tmp/first && test $(readlink /proc/self/ns/pid) = $(readlink /proc/1/ns/pid) && echo pre >> /fifo/trace")+`}}`,
		func(o *harness.TaskOptions) { o.Args = []string{"sh", "-c", "touch /tmp/first; " + harness.Entrypoint} })
	restore(t, h)
	h.Stop()
	h.WantTrace("post", "pre", "term")
	if ev := h.WantHookEvent("preStop", "success"); ev["runner"] != "joiner" {
		t.Errorf("runner %q: %q", ev["runner"], ev["runner_reason"])
	}
}
