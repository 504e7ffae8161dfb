package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bookend.dev/bookend/cmd/bookend-node/internal/apitest"
	"bookend.dev/bookend/cmd/bookend-node/internal/command"
	"bookend.dev/bookend/cmd/bookend-node/internal/nodeinstall"
)

func TestTheAgentInstallsOnlyWhatItCanRemove(t *testing.T) {
	t.Setenv("POD_NAME", "")
	t.Setenv("POD_NAMESPACE", "bookend")
	for flags, want := range map[string]string{
		"--install": "POD_NAME",
		"--install --pod-name a --restart systemd": `--restart: "systemd": must be systemd:UNIT`,
	} {
		var out bytes.Buffer
		args := append([]string{"agent", "--node-name", "n1", "--listen", "127.0.0.1:0", "--state-dir", t.TempDir(), "--records", t.TempDir(), "--kubeconfig", kubeconfigOf(t, "http://127.0.0.1:1")}, strings.Fields(flags)...)
		if code := execute(t.Context(), args, &out, &out); code != 1 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit code %d: %s", flags, code, &out)
		}
	}
}

// kubeconfigOf is a file that leads to an API server.
func kubeconfigOf(t *testing.T, server string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: %s}}]\ncontexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n"
	if err := os.WriteFile(path, fmt.Appendf(nil, text, server), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The command that Helm runs asks the DaemonSet's agents, and ends when no node says
// anything any more.
func TestUninstallIsACommand(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "bookend")
	api := apitest.New()
	defer api.Close()
	const set = "/apis/apps/v1/namespaces/bookend/daemonsets/bookend-agent"
	api.SetMeta(set, &metav1.ObjectMeta{Name: "bookend-agent"})
	var out bytes.Buffer
	if code := execute(t.Context(), []string{"uninstall", "--kubeconfig", kubeconfigOf(t, api.URL)}, &out, &out); code != 0 {
		t.Errorf("exit code %d: %s", code, &out)
	}
	if api.Meta(set).Annotations[nodeinstall.AnnotationUninstall] == "" {
		t.Error("the agents are not asked")
	}
	api.SetNode("n1", func(n *corev1.Node) { n.Labels = map[string]string{nodeinstall.NodeLabel: nodeinstall.LabelReady} })
	// Told to stop, it has not waited. A Job tries again then.
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	api.Before(func(r *http.Request) *apierrors.StatusError {
		if r.URL.Path == "/api/v1/nodes" {
			stop()
		}
		return nil
	})
	if code := execute(ctx, []string{"uninstall", "--kubeconfig", kubeconfigOf(t, api.URL)}, &out, &out); code == 0 || code == command.ExitFound {
		t.Errorf("told to stop, exit code %d: %s", code, &out)
	}
	api.Before(nil)
	if code := execute(t.Context(), []string{"uninstall", "--timeout", "3s", "--kubeconfig", kubeconfigOf(t, api.URL)}, &out, &out); code != command.ExitFound || !strings.Contains(out.String(), "n1 (has the label alone)") {
		t.Errorf("exit code %d: %s", code, &out)
	}
}
