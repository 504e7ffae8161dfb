package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
)

const (
	apiServer    = "https://127.0.0.1:6443"
	apiServiceIP = "10.96.0.1" // of the service kubernetes
	etcdClients  = "http://127.0.0.1:2379"
	etcdPeers    = "http://127.0.0.1:2380"
)

func (c *Cluster) etcd() *program {
	return &program{
		name: "etcd",
		args: []string{
			"--name=" + NodeName, "--data-dir=/var/lib/etcd",
			"--listen-client-urls=" + etcdClients, "--advertise-client-urls=" + etcdClients,
			"--listen-peer-urls=" + etcdPeers, "--initial-advertise-peer-urls=" + etcdPeers,
			"--initial-cluster=" + NodeName + "=" + etcdPeers,
		},
		check: func(ctx context.Context) error { return get(ctx, etcdClients+"/health", "") },
	}
}

func (c *Cluster) apiserver() *program {
	return &program{
		name: "kube-apiserver",
		args: append([]string{
			"--etcd-servers=" + etcdClients, "--secure-port=6443", "--advertise-address=" + NodeIP,
			"--tls-cert-file=" + certFile(apiserverCert), "--tls-private-key-file=" + keyFile(apiserverCert),
			"--client-ca-file=" + certFile(clusterCA), "--token-auth-file=" + tokensFile(),
			"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true", "--feature-gates=" + stopSignals + "=true",
			"--service-cluster-ip-range=" + serviceCIDR,
			"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
			"--service-account-key-file=" + keyFile(serviceAccounts), "--service-account-signing-key-file=" + keyFile(serviceAccounts),
			"--kubelet-certificate-authority=" + certFile(clusterCA), "--kubelet-preferred-address-types=InternalIP",
			"--kubelet-client-certificate=" + certFile(kubeletClient), "--kubelet-client-key=" + keyFile(kubeletClient),
		}, aggregation()...),
		check: func(ctx context.Context) error { return get(ctx, apiServer+"/readyz", c.users[admin].token) },
	}
}

// aggregation are the flags by which an aggregated API knows who calls it.
func aggregation() []string {
	return []string{
		"--requestheader-client-ca-file=" + certFile(frontProxyCA), "--requestheader-allowed-names=" + frontProxy,
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + certFile(frontProxy), "--proxy-client-key-file=" + keyFile(frontProxy),
		"--enable-aggregator-routing=true",
	}
}

func (c *Cluster) controllerManager() *program {
	const name = "kube-controller-manager"
	return &program{
		name: name,
		args: []string{
			"--kubeconfig=" + kubeconfigFile(name), "--authentication-kubeconfig=" + kubeconfigFile(name),
			"--authorization-kubeconfig=" + kubeconfigFile(name), "--bind-address=127.0.0.1", "--leader-elect=false",
			"--use-service-account-credentials=true", "--service-account-private-key-file=" + keyFile(serviceAccounts),
			"--root-ca-file=" + certFile(clusterCA),
			"--cluster-signing-cert-file=" + certFile(clusterCA), "--cluster-signing-key-file=" + keyFile(clusterCA),
			// A kubelet that a busy machine holds up is not gone.
			"--node-monitor-grace-period=5m",
		},
		check: func(ctx context.Context) error { return get(ctx, "https://127.0.0.1:10257/healthz", "") },
	}
}

func (c *Cluster) scheduler() *program {
	const name = "kube-scheduler"
	return &program{
		name: name,
		args: []string{
			"--kubeconfig=" + kubeconfigFile(name), "--authentication-kubeconfig=" + kubeconfigFile(name),
			"--authorization-kubeconfig=" + kubeconfigFile(name), "--bind-address=127.0.0.1", "--leader-elect=false",
		},
		check: func(ctx context.Context) error { return get(ctx, "https://127.0.0.1:10259/healthz", "") },
	}
}

// get asks one of the cluster's programs and wants the status 200. Those that have
// no certificate of ours sign one themselves.
func get(ctx context.Context, url, token string) error {
	roots := x509.NewCertPool()
	if ca, err := os.ReadFile(certFile(clusterCA)); err == nil {
		roots.AppendCertsFromPEM(ca)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, InsecureSkipVerify: token == ""}, //nolint:gosec // nothing is told to it
		DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	reply, err := client.Do(req)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(reply.Body)
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", url, reply.Status, body)
	}
	return nil
}
