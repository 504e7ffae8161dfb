package nodeinstall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"

	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
)

// Uninstall asks the agents of all nodes to undo what they installed, and waits.
type Uninstall struct {
	Nodes    *kubeclient.Client
	Metadata metadata.Interface
	// Namespace and DaemonSet are the agents'.
	Namespace, DaemonSet string
	Pause                time.Duration // between looks; zero: a few seconds
	Log                  *slog.Logger
}

const (
	uninstallPause = 5 * time.Second
	// nodesAtOnce bounds what one answer has: a node's object may have some 50 KB.
	nodesAtOnce = 250
	// remainShown is how many nodes an error names.
	remainShown = 10
)

// Run ends when no node has the label or the condition any more. An error that wraps
// [ErrRemain] names those that have, and why; they go on, and Run may be called again.
func (u Uninstall) Run(ctx context.Context) error {
	if u.Pause == 0 {
		u.Pause = uninstallPause
	}
	agents, err := u.ask(ctx)
	if err != nil {
		return err
	}
	var remain []string
	for last := ""; ; {
		now, err := u.remain(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			u.Log.Warn(err.Error())
		case err == nil && len(now) == 0:
			return nil
		case err == nil:
			remain = now
			if left := remaining(now).Error(); left != last { // who waits for less time sees it, too
				last = left
				u.Log.Info("waiting: " + left)
			}
			if !agents {
				return fmt.Errorf("there is no DaemonSet %s, and %w", u.DaemonSet, remaining(remain))
			}
		}
		select {
		case <-time.After(u.Pause):
		case <-ctx.Done():
			return errors.Join(remaining(remain), context.Cause(ctx))
		}
	}
}

// ask asks the agents; false: there are none.
func (u Uninstall) ask(ctx context.Context) (bool, error) {
	change, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{
		AnnotationUninstall: time.Now().UTC().Format(time.RFC3339),
	}}})
	if err != nil {
		return false, err
	}
	_, err = u.Metadata.Resource(daemonSetsResource).Namespace(u.Namespace).Patch(ctx, u.DaemonSet, types.MergePatchType, change, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask the agents of DaemonSet %s/%s: %w", u.Namespace, u.DaemonSet, err)
	}
	return true, nil
}

// remain are the nodes on which something is left, each with what its agent says.
func (u Uninstall) remain(ctx context.Context) (all []string, err error) {
	for next := ""; ; {
		list, err := u.Nodes.Nodes().List(ctx, metav1.ListOptions{Limit: nodesAtOnce, Continue: next})
		if err != nil {
			return nil, fmt.Errorf("nodes: %w", err)
		}
		for i := range list.Items {
			if left := leftOn(&list.Items[i]); left != "" {
				all = append(all, left)
			}
		}
		if next = list.Continue; next == "" {
			slices.Sort(all)
			return all, nil
		}
	}
}

// leftOn says what an agent says of its node; empty: nothing is left. The agent of a node
// that is not Ready may never say more.
func leftOn(n *corev1.Node) string {
	c := conditionOf(n, Condition)
	switch {
	case c != nil && !readySince(n, time.Time{}):
		return fmt.Sprintf("%s (the node is not Ready; %s: %s)", n.Name, c.Reason, c.Message)
	case c != nil:
		return fmt.Sprintf("%s (%s: %s)", n.Name, c.Reason, c.Message)
	case n.Labels[NodeLabel] != "":
		return n.Name + " (has the label alone)"
	}
	return ""
}

func remaining(all []string) error {
	if len(all) == 0 {
		return nil
	}
	shown := strings.Join(all[:min(len(all), remainShown)], "; ")
	if more := len(all) - remainShown; more > 0 {
		shown += fmt.Sprintf("; and %d more", more)
	}
	return fmt.Errorf("%d nodes %w: %s", len(all), ErrRemain, shown)
}
