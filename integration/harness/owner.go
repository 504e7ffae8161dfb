package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// dirPattern names daemons' directories, bridges and cgroups; the name must fit
// an interface's 15 bytes.
const dirPattern = "bk-*"

// claim writes down in dir which process will remove it.
func claim(dir string) error {
	id, err := processID(os.Getpid())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "owner"), []byte(id), 0o600)
}

// sweep tears down the daemons whose owner ended without doing so: a test
// binary that timed out or was killed.
func sweep(ctx context.Context) error {
	owners, err := filepath.Glob(filepath.Join("/tmp", dirPattern, "owner"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range owners {
		owner, err := os.ReadFile(path)
		if err != nil {
			continue // another sweep was faster
		}
		pid, _, _ := strings.Cut(string(owner), " ")
		n, err := strconv.Atoi(pid)
		if err != nil {
			continue // being written
		}
		if id, err := processID(n); err == nil && id == string(owner) {
			continue
		}
		if err := teardown(ctx, filepath.Dir(path)); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// processID identifies a process beyond the reuse of its pid: "pid starttime".
func processID(pid int) (string, error) {
	p, err := ReadProcess(pid)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %d", p.PID, p.Start), nil
}
