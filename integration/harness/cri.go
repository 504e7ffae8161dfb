package harness

import (
	"context"
	"fmt"
	"maps"
	"os"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// CRI speaks the Container Runtime Interface as the kubelet does. Calls that no
// method wraps are those of the embedded client.
type CRI struct {
	runtimeapi.RuntimeServiceClient
	Images runtimeapi.ImageServiceClient

	daemon *Daemon
}

// PodOptions describes a pod's sandbox.
type PodOptions struct {
	Name        string // empty: a new one
	Handler     string // name of a [Handler]; empty: the daemon's default
	Annotations map[string]string
	Labels      map[string]string
	HostNetwork bool
	HostPID     bool
	PodPID      bool // all containers share one pid namespace; else one each
	// UserNamespace gives the pod a user namespace with 65536 ids.
	UserNamespace bool
	// Edit changes the request before it is sent; nil: nothing to change.
	Edit func(*runtimeapi.PodSandboxConfig)
}

// userNamespaceBase is the first host id of pods with user namespaces.
const userNamespaceBase = 1 << 20

// Pod is a pod's sandbox.
type Pod struct {
	ID     string
	Config *runtimeapi.PodSandboxConfig
	CRI    *CRI
}

// RunPod creates and starts a pod's sandbox.
func (c *CRI) RunPod(ctx context.Context, opts PodOptions) (*Pod, error) {
	if opts.Name == "" {
		opts.Name = NewID("pod")
	}
	logs := c.daemon.Path("pods", opts.Name)
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return nil, err
	}
	config := &runtimeapi.PodSandboxConfig{
		Metadata:     &runtimeapi.PodSandboxMetadata{Name: opts.Name, Uid: opts.Name, Namespace: "default"},
		Hostname:     opts.Name,
		LogDirectory: logs,
		Annotations:  maps.Clone(opts.Annotations),
		Labels:       maps.Clone(opts.Labels),
		DnsConfig:    &runtimeapi.DNSConfig{},
		Linux: &runtimeapi.LinuxPodSandboxConfig{
			CgroupParent:    "/" + podCgroupName(c.daemon.Name(), opts.Name),
			SecurityContext: &runtimeapi.LinuxSandboxSecurityContext{NamespaceOptions: opts.namespaces()},
		},
	}
	if opts.HostNetwork {
		config.Hostname = "" // the host's stays
	}
	if opts.Edit != nil {
		opts.Edit(config)
	}
	reply, err := c.RunPodSandbox(ctx, &runtimeapi.RunPodSandboxRequest{Config: config, RuntimeHandler: opts.Handler})
	if err != nil {
		return nil, c.forgetPod(ctx, opts.Name, fmt.Errorf("run pod %s: %w", opts.Name, err))
	}
	return &Pod{ID: reply.GetPodSandboxId(), Config: config, CRI: c}, nil
}

func (o PodOptions) namespaces() *runtimeapi.NamespaceOption {
	ns := &runtimeapi.NamespaceOption{Pid: runtimeapi.NamespaceMode_CONTAINER}
	if o.PodPID {
		ns.Pid = runtimeapi.NamespaceMode_POD
	}
	if o.HostPID {
		ns.Pid = runtimeapi.NamespaceMode_NODE
	}
	if o.HostNetwork {
		ns.Network = runtimeapi.NamespaceMode_NODE
	}
	if o.UserNamespace {
		ids := []*runtimeapi.IDMapping{{HostId: userNamespaceBase, Length: 1 << 16}}
		ns.UsernsOptions = &runtimeapi.UserNamespace{Mode: runtimeapi.NamespaceMode_POD, Uids: ids, Gids: ids}
	}
	return ns
}

// Status returns the sandbox's status.
func (p *Pod) Status(ctx context.Context) (*runtimeapi.PodSandboxStatus, error) {
	reply, err := p.CRI.PodSandboxStatus(ctx, &runtimeapi.PodSandboxStatusRequest{PodSandboxId: p.ID})
	if err != nil {
		return nil, fmt.Errorf("status of pod %s: %w", p.Name(), err)
	}
	return reply.GetStatus(), nil
}

// IP returns the pod's address; it is empty with the host's network.
func (p *Pod) IP(ctx context.Context) (string, error) {
	status, err := p.Status(ctx)
	return status.GetNetwork().GetIp(), err
}

// Stop stops the sandbox: its containers are killed without a grace period.
func (p *Pod) Stop(ctx context.Context) error {
	if _, err := p.CRI.StopPodSandbox(ctx, &runtimeapi.StopPodSandboxRequest{PodSandboxId: p.ID}); err != nil {
		return fmt.Errorf("stop pod %s: %w", p.Name(), err)
	}
	return nil
}

// Remove stops and removes the sandbox, its containers, its logs and its
// cgroup, as the kubelet does for a pod that is deleted.
func (p *Pod) Remove(ctx context.Context) error {
	if err := p.Stop(ctx); err != nil {
		return err
	}
	if _, err := p.CRI.RemovePodSandbox(ctx, &runtimeapi.RemovePodSandboxRequest{PodSandboxId: p.ID}); err != nil {
		return fmt.Errorf("remove pod %s: %w", p.Name(), err)
	}
	return p.CRI.forgetPod(ctx, p.Name(), nil)
}

// Containers lists the pod's containers, newest first.
func (p *Pod) Containers(ctx context.Context) ([]*runtimeapi.Container, error) {
	reply, err := p.CRI.ListContainers(ctx, &runtimeapi.ListContainersRequest{
		Filter: &runtimeapi.ContainerFilter{PodSandboxId: p.ID},
	})
	if err != nil {
		return nil, fmt.Errorf("list containers of pod %s: %w", p.Name(), err)
	}
	return reply.GetContainers(), nil
}

// Name is that of the request.
func (p *Pod) Name() string { return p.Config.GetMetadata().GetName() }
