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

const unitTest = "unit.test"

// builder builds mutants and runs tests against them.
type builder struct {
	dir  string // scratch, for this run alone
	root string // a copy of the repository in it: the work tree may change meanwhile
	bins harness.Binaries
	test string // the binary of the integration tests
	// limit bounds each wait of a test for what it wants to see.
	limit time.Duration
}

// newBuilder copies the repository and builds the integration tests, once for
// all mutants.
func newBuilder(ctx context.Context, bins harness.Binaries, limit time.Duration) (*builder, error) {
	dir, err := os.MkdirTemp("", "bookend-mutants-")
	if err != nil {
		return nil, err
	}
	b := &builder{dir: dir, root: filepath.Join(dir, "root"), bins: bins, test: filepath.Join(dir, "integration.test"), limit: limit}
	if err := copyTree(b.root, bins.Root); err != nil {
		return nil, errors.Join(err, b.close())
	}
	if out, err := b.command(ctx, "go", "test", "-c", "-trimpath", "-o", b.test, "./integration").CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the integration tests: %w: %s", err, out), b.close())
	}
	return b, nil
}

func (b *builder) close() error { return os.RemoveAll(b.dir) }

func (b *builder) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = b.root
	return cmd
}

// try builds a mutant and runs its tests. An error says that nothing was learnt.
func (b *builder) try(ctx context.Context, m mutant, source string) (verdict, error) {
	dir, err := os.MkdirTemp(b.dir, "mutant-")
	if err != nil {
		return verdict{}, err
	}
	defer os.RemoveAll(dir)
	if err := b.build(ctx, dir, m, source); err != nil {
		return verdict{}, err
	}
	if m.pkg != "" {
		return b.run(ctx, filepath.Join(dir, unitTest), m.pkg, b.bins.Bin, m.tests)
	}
	for _, name := range []string{harness.CommandBinary, harness.ExecBinary} {
		if err := os.Symlink(filepath.Join(b.bins.Bin, name), filepath.Join(dir, name)); err != nil {
			return verdict{}, err
		}
	}
	return b.run(ctx, b.test, "./integration", dir, m.tests)
}

// build puts the mutant's shim into dir, or the unit tests of its package.
func (b *builder) build(ctx context.Context, dir string, m mutant, source string) error {
	overlay, err := b.overlay(dir, m, source)
	if err != nil {
		return err
	}
	args := []string{"build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-overlay", overlay, "-o", dir + "/", "./cmd/" + harness.ShimBinary}
	if m.pkg != "" {
		args = []string{"test", "-c", "-trimpath", "-overlay", overlay, "-o", filepath.Join(dir, unitTest), m.pkg}
	}
	cmd := b.command(ctx, "go", args...)
	if m.pkg == "" {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("it does not build: %w: %s", err, out)
	}
	return nil
}

// overlay writes what `go build -overlay` wants, and returns its path.
func (b *builder) overlay(dir string, m mutant, source string) (string, error) {
	edited, path := filepath.Join(dir, "edited.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(edited, []byte(source), 0o600); err != nil {
		return "", err
	}
	content, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(b.root, m.file): edited}})
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, content, 0o600)
}

// run runs tests of a package by its test binary, against the binaries in bin.
func (b *builder) run(ctx context.Context, binary, pkg, bin string, tests []string) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit+graceOfRun)
	defer cancel()
	cmd := b.command(ctx, binary, "-test.v", "-test.failfast", "-test.timeout", runLimit.String(), "-test.run", "^("+strings.Join(tests, "|")+")$")
	cmd.Dir = filepath.Join(b.root, pkg)
	cmd.WaitDelay = graceOfRun // of what a test left behind and holds its output open
	cmd.Env = append(os.Environ(), "BOOKEND_BIN="+bin, "BOOKEND_TEST_EXEC="+filepath.Join(bin, harness.ExecBinary),
		"BOOKEND_TOOLS="+b.bins.Tools, "BOOKEND_TEST_LIMIT="+b.limit.String())
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
