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
func (h *hooked) restore() {
	h.t.Helper()
	ctx := namespaces.WithNamespace(h.t.Context(), harness.TaskNamespace)
	image, err := h.Checkpoint(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	harness.Cleanup(h.t, func(ctx context.Context) error {
		return h.daemon.Client.ImageService().Delete(namespaces.WithNamespace(ctx, harness.TaskNamespace), image.Name())
	})
	if err := h.Kill(ctx, syscall.SIGKILL); err != nil {
		h.t.Fatal(err)
	}
	h.wantExit(137)
	if _, err := h.Delete(ctx); err != nil {
		h.t.Fatal(err)
	}
	harness.Cleanup(h.t, h.removeUnpacked)
	if err := h.Restore(ctx, h.daemon, image); err != nil {
		h.t.Fatal(err)
	}
	if err := h.Start(ctx); err != nil {
		h.t.Fatal(err)
	}
}

// removeUnpacked removes what containerd unpacks a checkpoint into, and leaves.
func (h *hooked) removeUnpacked(context.Context) error {
	dirs, err := filepath.Glob(h.daemon.Path("tmp", "ctrd-checkpoint*"))
	for _, dir := range dirs {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// A container that is restored from a checkpoint has an init that Create did not
// know. Its preStop hook gets into it; its postStart ran in its first life.
func TestPreStopOfARestoredContainer(t *testing.T) {
	h := runHooked(t, withCriu(t), `{"postStart":{"exec":`+shell("echo post >> /fifo/trace")+`},
		"preStop":{"exec":`+shell("test -f /tmp/first && test $(readlink /proc/self/ns/pid) = $(readlink /proc/1/ns/pid) && echo pre >> /fifo/trace")+`}}`,
		func(o *harness.TaskOptions) { o.Args = []string{"sh", "-c", "touch /tmp/first; " + entrypoint} })
	h.restore()
	h.term()
	h.wantTrace("post", "pre", "term")
	if ev := wantHookEvent(t, h.events, h.ID(), "preStop", "success"); ev["runner"] != "joiner" {
		t.Errorf("runner %q: %q", ev["runner"], ev["runner_reason"])
	}
}
