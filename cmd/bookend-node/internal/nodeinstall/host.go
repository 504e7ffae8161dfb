package nodeinstall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"bookend.dev/bookend/cmd/internal/report"
	"bookend.dev/bookend/hooks"
)

// Host is the node's files, and the binaries that go there.
type Host struct {
	// Root is the node's root directory.
	Root string
	// From is the directory of the new binaries.
	From string
	// These are flags of bookend install; empty: its defaults.
	Distribution, RuntimeName, BinDir, LibDir string
}

const (
	// hostTime bounds one run of bookend install: it writes some 60 MB.
	hostTime = 5 * time.Minute
	// hostPath is where the node's programs are.
	hostPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// install is bookend install of the new binaries' own command, on the node.
func (h Host) install(ctx context.Context, dryRun bool) (report.Report, error) {
	args := []string{"install", "--from", h.From, "--edit-config", "--prune"}
	for name, value := range map[string]string{"--distribution": h.Distribution, "--runtime-name": h.RuntimeName} {
		if value != "" {
			args = append(args, name, value)
		}
	}
	return h.run(ctx, dryRun, args)
}

// uninstall is bookend uninstall.
func (h Host) uninstall(ctx context.Context, dryRun bool) (report.Report, error) {
	return h.run(ctx, dryRun, []string{"uninstall"})
}

// takeBack is bookend uninstall of containerd's configuration alone.
func (h Host) takeBack(ctx context.Context, dryRun bool) (report.Report, error) {
	return h.run(ctx, dryRun, []string{"uninstall", "--configuration-only"})
}

// run returns what is reported. A failure is an error unless it is a problem that is
// decided by, those of a removal.
func (h Host) run(ctx context.Context, dryRun bool, args []string) (rep report.Report, err error) {
	ctx, stop := context.WithTimeout(ctx, hostTime)
	defer stop()
	args = append(args, "--root", h.Root, "--report")
	for name, value := range map[string]string{"--bin-dir": h.BinDir, "--lib-dir": h.LibDir} {
		if value != "" {
			args = append(args, name, value)
		}
	}
	if dryRun {
		args = append(args, "--dry-run")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(h.From, hooks.CommandBinary), args...)
	cmd.Env = []string{hostPath}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return rep, err
	}
	if jsonErr := json.Unmarshal(out, &rep); jsonErr != nil {
		return rep, fmt.Errorf("bookend %s: %w: %s", args[0], errors.Join(err, jsonErr), bytes.TrimSpace(said.Bytes()))
	}
	if rep.Error != "" && (rep.Problem == "" || args[0] != "uninstall") {
		return rep, fmt.Errorf("bookend %s: %s", args[0], rep.Error)
	}
	return rep, nil
}
