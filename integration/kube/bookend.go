package kube

import (
	"context"
	"crypto/x509/pkix"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bookend.dev/bookend/integration/harness"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// bookend's own programs, each named after its Service and its service account.
const (
	Webhook = "bookend-webhook"
	Agent   = "bookend-agent"
)

const (
	bookendNamespace = "bookend-system"
	// HooksAPI is the path of the API that the agent serves.
	HooksAPI = "/apis/hooks.bookend.dev/v1alpha1"

	nodeProgram = "bookend-node"
	// agentHost is what the agent's certificate is for.
	agentHost = Agent + "." + bookendNamespace + ".svc"
	// agentAPI is where the agent serves its API, past the API server.
	agentAPI     = "https://" + NodeIP + ":9444"
	agentMetrics = "http://127.0.0.1:9464"
)

//go:embed bookend.yaml
var bookendManifests string

// StartBookend runs the webhook and the agent as processes of the node, with the
// rights that they have as pods, and waits until the API server asks both.
func (c *Cluster) StartBookend(ctx context.Context) error {
	authority, err := writeAgentCert()
	if err != nil {
		return err
	}
	manifests := strings.ReplaceAll(bookendManifests, "AUTHORITY", base64.StdEncoding.EncodeToString(authority))
	if _, err := c.Apply(ctx, []byte(manifests), "apply"); err != nil {
		return err
	}
	for _, account := range []string{Webhook, Agent} {
		if _, err := c.Login(ctx, bookendNamespace, account); err != nil {
			return err
		}
	}
	token, err := c.token(ctx, bookendNamespace, Agent, "agents.bookend.dev")
	if err != nil {
		return err
	}
	if err := os.WriteFile(agentFile("token"), []byte(token), 0o600); err != nil {
		return err
	}
	for _, p := range []*program{c.webhook(), c.agent()} {
		c.programs = append(c.programs, p)
		if err := c.launch(ctx, p); err != nil {
			return err
		}
	}
	return harness.Poll(ctx, harness.ReadyTimeout, "the API server to ask bookend", func() error {
		return errors.Join(c.webhookIsAsked(ctx), c.Discovery().RESTClient().Get().AbsPath(HooksAPI).Do(ctx).Error())
	})
}

// agentFile is one of those that a Secret and a volume give to the agent.
func agentFile(name string) string { return filepath.Join(stateDir, "agent", name) }

// writeAgentCert makes the certificate of the agent's API, and returns its authority.
func writeAgentCert() ([]byte, error) {
	if err := os.Mkdir(agentFile(""), 0o700); err != nil {
		return nil, err
	}
	ca, err := newAuthority("agents")
	if err != nil {
		return nil, err
	}
	if err := ca.issue("agent/tls", pkix.Name{CommonName: Agent}, agentHost); err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(certFile("agents"))
	if err != nil {
		return nil, err
	}
	return authority, os.WriteFile(agentFile("ca.crt"), authority, 0o600)
}

func (c *Cluster) webhook() *program {
	return &program{
		name: Webhook,
		file: filepath.Join(c.Daemon.Binaries().Bin, nodeProgram),
		args: []string{
			"webhook", "--kubeconfig=" + kubeconfigFile(bookendNamespace+"."+Webhook), "--namespace=" + bookendNamespace,
			"--listen=" + NodeIP + ":9443",
		},
		check: func(ctx context.Context) error { return get(ctx, "https://"+NodeIP+":9443/readyz", "") },
	}
}

func (c *Cluster) agent() *program {
	return &program{
		name: Agent,
		file: filepath.Join(c.Daemon.Binaries().Bin, nodeProgram),
		args: []string{
			"agent", "--kubeconfig=" + kubeconfigFile(bookendNamespace+"."+Agent), "--namespace=" + bookendNamespace, "--node-name=" + NodeName,
			"--records=" + c.Daemon.RecordsDir(), "--state-dir=/var/lib/bookend-node", "--listen=" + strings.TrimPrefix(agentMetrics, "http://"),
			"--api-listen=" + strings.TrimPrefix(agentAPI, "https://"), "--api-cert-dir=" + agentFile(""), "--api-token=" + agentFile("token"),
		},
		check: func(ctx context.Context) error {
			return errors.Join(get(ctx, agentMetrics+"/readyz", ""), get(ctx, agentAPI+"/readyz", ""))
		},
	}
}

// webhookIsAsked tells why the API server does not ask the webhook about a pod of
// bookend's class: it learns of a configuration, and of its authority, a moment later.
func (c *Cluster) webhookIsAsked(ctx context.Context) error {
	class := harness.Bookend
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "asked"}, Spec: corev1.PodSpec{
		RuntimeClassName: &class,
		Containers: []corev1.Container{{
			Name: "main", Image: harness.BusyboxImage,
			Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{}}},
		}},
	}}
	admitted, err := c.CoreV1().Pods(metav1.NamespaceDefault).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return err
	}
	if admitted.Spec.Containers[0].Lifecycle != nil {
		return errors.New("the lifecycle of a pod has not moved")
	}
	return nil
}

// Login writes a kubeconfig for a service account and returns its key.
func (c *Cluster) Login(ctx context.Context, namespace, account string) (key string, err error) {
	u := user{name: account}
	if u.token, err = c.token(ctx, namespace, account); err != nil {
		return "", err
	}
	key = namespace + "." + account
	return key, clientcmd.WriteToFile(u.kubeconfig(), kubeconfigFile(key))
}

// token returns one of a service account; no audience: the API server's.
func (c *Cluster) token(ctx context.Context, namespace, account string, audiences ...string) (string, error) {
	day := int64(24 * 60 * 60)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences, ExpirationSeconds: &day}}
	got, err := c.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token of %s/%s: %w", namespace, account, err)
	}
	return got.Status.Token, nil
}
