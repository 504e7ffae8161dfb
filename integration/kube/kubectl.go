package kube

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Kubectl runs kubectl as the administrator and returns what it printed.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	return c.kubectl(ctx, nil, args...)
}

// Apply gives kubectl a manifest: args are those before -f -.
func (c *Cluster) Apply(ctx context.Context, manifest []byte, args ...string) (string, error) {
	return c.kubectl(ctx, manifest, append(args, "-f", "-")...)
}

func (c *Cluster) kubectl(ctx context.Context, stdin []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.programsDir, "kubectl"), append([]string{"--kubeconfig=" + kubeconfigFile(admin)}, args...)...)
	cmd.Env = []string{"HOME=" + stateDir, c.Daemon.Mark()}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return stdout.String(), nil
}
