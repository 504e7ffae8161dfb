package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"bookend.dev/bookend/integration/harness"
	"github.com/moby/sys/mountinfo"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// removePods deletes every pod at once and waits until the node has none running. The
// controllers are ended before: they would make others.
func (c *Cluster) removePods(ctx context.Context) error {
	if c.Clientset == nil || c.find("kube-apiserver").cmd == nil || c.find(kubelet).cmd == nil {
		return nil
	}
	err := c.Kill(ctx, "kube-controller-manager")
	pods, listed := c.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err = errors.Join(err, listed); err != nil {
		return fmt.Errorf("remove all pods: %w", err)
	}
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
	for _, pod := range pods.Items {
		err = errors.Join(err, c.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, now))
	}
	ready := &runtimeapi.PodSandboxFilter{State: &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY}}
	return errors.Join(err, harness.Poll(ctx, harness.ReadyTimeout, "all pods to end", func() error {
		reply, err := c.Daemon.CRI.ListPodSandbox(ctx, &runtimeapi.ListPodSandboxRequest{Filter: ready})
		if err != nil {
			return err
		}
		if len(reply.GetItems()) > 0 {
			return fmt.Errorf("%d of them, %s first", len(reply.GetItems()), reply.GetItems()[0].GetMetadata().GetName())
		}
		return nil
	}))
}

// Inventory is everything that pods have on the node at one moment, each described
// in words. What containerd and the kubelet keep of a pod until they next sweep, its
// files and its stopped sandbox, is not in it.
func (c *Cluster) Inventory() (harness.Inventory, error) {
	inv, err := c.Daemon.Inventory()
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(inv, func(what string, _ struct{}) bool {
		return strings.HasPrefix(what, "file ") || strings.HasPrefix(what, "socket ") || c.isOwn(what)
	})
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter("/var/lib/kubelet"))
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	for _, m := range mounts {
		inv["mount "+m.Mountpoint] = struct{}{}
	}
	return inv, nil
}

// isOwn tells whether something is the cluster's own, no pod's.
func (c *Cluster) isOwn(what string) bool {
	for _, p := range c.programs {
		if p.cmd != nil && strings.HasPrefix(what, fmt.Sprintf("process %d (", p.cmd.Process.Pid)) {
			return true
		}
	}
	dir, isCgroup := strings.CutPrefix(what, "cgroup ")
	return isCgroup && slices.Contains([]string{"kubepods", "besteffort", "burstable"}, filepath.Base(dir))
}

// CheckLeaks waits until nothing is there that was not there before; the error then
// lists what is left and wraps [ErrLeak].
func (c *Cluster) CheckLeaks(ctx context.Context, before harness.Inventory) error {
	return harness.Poll(ctx, harness.ReadyTimeout, "everything to be removed", func() error {
		after, err := c.Inventory()
		if err != nil {
			return err
		}
		if left := after.Since(before); len(left) > 0 {
			return fmt.Errorf("%w:\n\t%s", ErrLeak, strings.Join(left, "\n\t"))
		}
		return nil
	})
}
