package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodeName is the name of the one node.
const NodeName = "node"

// stopSignals is the feature of KEP-4960: a container's lifecycle has its stop signal.
const stopSignals = "ContainerStopSignals"

// kubelet is given its own cgroup below the daemon's, in which containers are.
func (c *Cluster) kubelet() (*program, error) {
	config := map[string]any{
		"apiVersion":               "kubelet.config.k8s.io/v1beta1",
		"kind":                     "KubeletConfiguration",
		"containerRuntimeEndpoint": "unix://" + c.Daemon.Address(),
		"tlsCertFile":              certFile(kubeletCert),
		"tlsPrivateKeyFile":        keyFile(kubeletCert),
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false},
			"webhook":   map[string]any{"enabled": true},
			"x509":      map[string]any{"clientCAFile": certFile(clusterCA)},
		},
		"authorization": map[string]any{"mode": "Webhook"},
		"clusterDomain": "cluster.local",
		"clusterDNS":    []string{"10.96.0.10"}, // without one each pod gets a warning
		"cgroupDriver":  "cgroupfs",
		"cgroupRoot":    c.Daemon.Cgroup(),
		// The machine is not the kubelet's: it limits nothing and evicts nothing.
		"enforceNodeAllocatable":      []string{"none"},
		"evictionHard":                map[string]string{"memory.available": "1Mi"},
		"imageGCHighThresholdPercent": 100,
		"volumePluginDir":             "/var/lib/kubelet/plugins-exec",
		"featureGates":                map[string]bool{stopSignals: true},
		// A container that ends is started again before a test grows old.
		"crashLoopBackOff": map[string]any{"maxContainerRestartPeriod": "1s"},
		// What a machine like a build server's lacks: cgroup v2, CAP_SYS_RESOURCE, a
		// file system that cadvisor can measure.
		"failCgroupV1":                  false,
		"oomScoreAdj":                   0,
		"localStorageCapacityIsolation": false,
	}
	content, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(stateDir, "kubelet.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return nil, err
	}
	return &program{
		name: kubelet,
		args: []string{
			"--config=" + path, "--kubeconfig=" + kubeconfigFile(kubelet), "--node-ip=" + NodeIP, "--hostname-override=" + NodeName,
			"--root-dir=/var/lib/kubelet", "--cert-dir=/var/lib/kubelet/pki",
		},
		check: func(ctx context.Context) error { return get(ctx, "http://127.0.0.1:10248/healthz", "") },
	}, nil
}

func (c *Cluster) proxy() *program {
	return &program{
		name: "kube-proxy",
		args: []string{
			"--kubeconfig=" + kubeconfigFile("kube-proxy"), "--proxy-mode=iptables", "--hostname-override=" + NodeName,
			"--healthz-bind-address=127.0.0.1:10256", "--metrics-bind-address=127.0.0.1:10249",
			// What is the whole machine's stays as it is.
			"--conntrack-max-per-core=0", "--conntrack-min=0",
			"--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
		},
		check: func(ctx context.Context) error { return get(ctx, "http://127.0.0.1:10256/healthz", "") },
	}
}

// makeCgroup makes the kubelet's cgroup in every hierarchy, which it wants to find.
func (c *Cluster) makeCgroup() error {
	hierarchies, err := filepath.Glob("/sys/fs/cgroup/*/cgroup.procs")
	if err != nil {
		return err
	}
	for _, procs := range hierarchies {
		if err := os.MkdirAll(filepath.Join(filepath.Dir(procs), c.Daemon.Cgroup()), 0o755); err != nil {
			return fmt.Errorf("make the cgroup of the kubelet: %w", err)
		}
	}
	return nil
}

// ready tells why the node is not ready.
func (c *Cluster) ready(ctx context.Context) error {
	node, err := c.CoreV1().Nodes().Get(ctx, NodeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("node %s is not ready: %+v", NodeName, node.Status.Conditions)
}
