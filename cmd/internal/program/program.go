// Package program asks other programs of the node, such as containerd, runc and
// bookend's own, for a short answer, and reads their versions.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

const answerTimeout = 20 * time.Second

// Ask runs a program and returns what it prints. An error has what the program
// printed to stderr.
func Ask(ctx context.Context, path string, args ...string) ([]byte, error) {
	return AskIn(ctx, nil, path, args...)
}

// AskIn is [Ask] with an environment in place of this process's.
func AskIn(ctx context.Context, env []string, path string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = env
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	return out, nil
}
