package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// runLimit bounds one run of tests, and graceOfRun is what the process has
// beyond that to say so.
const (
	runLimit   = 6 * time.Minute
	graceOfRun = time.Minute
)

const (
	shimName = "containerd-shim-bookend-v2"
	unitTest = "unit.test"
)

// workshop builds mutants and runs tests against them.
type workshop struct {
	dir  string // scratch, for this run alone
	root string // a copy of the repository in it: the work tree may change meanwhile
	bins harness.Binaries
	test string // the binary of the integration tests
	// limit bounds each wait of a test for what it wants to see.
	limit time.Duration
}

// newWorkshop copies the repository and builds the integration tests, once for
// all mutants.
func newWorkshop(ctx context.Context, bins harness.Binaries, limit time.Duration) (*workshop, error) {
	dir, err := os.MkdirTemp("", "bookend-mutants-")
	if err != nil {
		return nil, err
	}
	w := &workshop{dir: dir, root: filepath.Join(dir, "root"), bins: bins, test: filepath.Join(dir, "integration.test"), limit: limit}
	if err := copyTree(w.root, bins.Root); err != nil {
		return nil, errors.Join(err, w.close())
	}
	if out, err := w.command(ctx, "go", "test", "-c", "-trimpath", "-o", w.test, "./integration").CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the integration tests: %w: %s", err, out), w.close())
	}
	return w, nil
}

func (w *workshop) close() error { return os.RemoveAll(w.dir) }

func (w *workshop) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = w.root
	return cmd
}

// try builds a mutant and runs its tests. An error says that nothing was learnt.
func (w *workshop) try(ctx context.Context, m mutant, source string) (verdict, error) {
	dir, err := os.MkdirTemp(w.dir, "mutant-")
	if err != nil {
		return verdict{}, err
	}
	defer os.RemoveAll(dir)
	if err := w.build(ctx, dir, m, source); err != nil {
		return verdict{}, err
	}
	if m.pkg != "" {
		return w.run(ctx, filepath.Join(dir, unitTest), m.pkg, w.bins.Bin, m.tests)
	}
	for _, name := range []string{"bookend", "bookend-exec"} {
		if err := os.Symlink(filepath.Join(w.bins.Bin, name), filepath.Join(dir, name)); err != nil {
			return verdict{}, err
		}
	}
	return w.run(ctx, w.test, "./integration", dir, m.tests)
}

// build puts the mutant's shim into dir, or the unit tests of its package.
func (w *workshop) build(ctx context.Context, dir string, m mutant, source string) error {
	overlay, err := w.overlay(dir, m, source)
	if err != nil {
		return err
	}
	args := []string{"build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-overlay", overlay, "-o", dir + "/", "./cmd/" + shimName}
	if m.pkg != "" {
		args = []string{"test", "-c", "-trimpath", "-overlay", overlay, "-o", filepath.Join(dir, unitTest), m.pkg}
	}
	cmd := w.command(ctx, "go", args...)
	if m.pkg == "" {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("it does not build: %w: %s", err, out)
	}
	return nil
}

// overlay writes what `go build -overlay` wants, and returns its path.
func (w *workshop) overlay(dir string, m mutant, source string) (string, error) {
	edited, path := filepath.Join(dir, "edited.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(edited, []byte(source), 0o600); err != nil {
		return "", err
	}
	content, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(w.root, m.file): edited}})
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, content, 0o600)
}

// run runs tests of a package by its test binary, against the binaries in bin.
func (w *workshop) run(ctx context.Context, binary, pkg, bin string, tests []string) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit+graceOfRun)
	defer cancel()
	cmd := w.command(ctx, binary, "-test.v", "-test.failfast", "-test.timeout", runLimit.String(), "-test.run", "^("+strings.Join(tests, "|")+")$")
	cmd.Dir = filepath.Join(w.root, pkg)
	cmd.WaitDelay = graceOfRun // of what a test left behind and holds its output open
	cmd.Env = append(os.Environ(), "BOOKEND_BIN="+bin, "BOOKEND_TEST_EXEC="+filepath.Join(bin, "bookend-exec"),
		"BOOKEND_TOOLS="+w.bins.Tools, "BOOKEND_TEST_LIMIT="+w.limit.String())
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return verdict{}, fmt.Errorf("the tests %s: %w", strings.Join(tests, ", "), ctx.Err())
	}
	v := judge(string(out), err)
	if v.broken != "" {
		return v, fmt.Errorf("the run of %s tells nothing: %s", strings.Join(tests, ", "), v.broken)
	}
	return v, nil
}
