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
	return c.kubectl(ctx, admin, nil, args...)
}

// KubectlAs runs kubectl, and its plugin, as another user: key is the one that
// [Cluster.Login] returned.
func (c *Cluster) KubectlAs(ctx context.Context, key string, args ...string) (string, error) {
	return c.kubectl(ctx, key, nil, args...)
}

// Apply gives kubectl a manifest: args are those before -f -.
func (c *Cluster) Apply(ctx context.Context, manifest []byte, args ...string) (string, error) {
	return c.kubectl(ctx, admin, manifest, append(args, "-f", "-")...)
}

// Helm runs helm as the administrator and returns what it printed.
func (c *Cluster) Helm(ctx context.Context, args ...string) (string, error) {
	return c.client(ctx, "helm", admin, nil, args...)
}

// kubectl finds its plugin beside bookend's other programs. A plugin gets no flag that
// is before its name.
func (c *Cluster) kubectl(ctx context.Context, user string, stdin []byte, args ...string) (string, error) {
	return c.client(ctx, "kubectl", user, stdin, args...)
}

// client runs one of Kubernetes' clients.
func (c *Cluster) client(ctx context.Context, name, user string, stdin []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.programsDir, name), args...)
	cmd.Env = []string{"HOME=" + stateDir, "PATH=" + c.Daemon.Binaries().Bin, "KUBECONFIG=" + kubeconfigFile(user), c.Daemon.Mark()}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return stdout.String(), nil
}
