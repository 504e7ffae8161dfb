package nodeinstall

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

const (
	// component is who tells, as kubectl prints it.
	component = "bookend"
	// maxEvent is what an Event's message may have, in bytes.
	maxEvent = 1024
	// maxCondition keeps a node's object small.
	maxCondition = 4096
)

func conditionOf(n *corev1.Node, t corev1.NodeConditionType) *corev1.NodeCondition {
	i := slices.IndexFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == t })
	if i < 0 {
		return nil
	}
	return &n.Status.Conditions[i]
}

// readySince tells whether a node is Ready, and has said so after a moment; zero: at
// any time. The API has whole seconds.
func readySince(n *corev1.Node, at time.Time) bool {
	c := conditionOf(n, corev1.NodeReady)
	return c != nil && c.Status == corev1.ConditionTrue && c.LastHeartbeatTime.After(at.Truncate(time.Second))
}

// knowsHandler tells whether a node's kubelet knows a handler. One before Kubernetes 1.31
// tells of none.
func knowsHandler(n *corev1.Node, name string) bool {
	all := n.Status.RuntimeHandlers
	return len(all) == 0 || slices.ContainsFunc(all, func(h corev1.NodeRuntimeHandler) bool { return h.Name == name })
}

// label sets the node's label, or takes it away.
func (in *Installer) label(ctx context.Context, ready bool) error {
	var value any
	if ready {
		value = LabelReady
	}
	return in.patch(ctx, map[string]any{"metadata": map[string]any{"labels": map[string]any{NodeLabel: value}}}, types.MergePatchType)
}

// report writes the decision into the node's condition, and makes an Event of it, unless
// the condition says it already, or that the same action has failed before.
func (in *Installer) report(ctx context.Context, n *corev1.Node, d Decision) error {
	d.Message = cut(d.Message, maxCondition)
	there := conditionOf(n, Condition)
	if there != nil && there.Reason == string(d.Action)+ReasonFailed {
		return nil
	}
	if d.Status == "" || there != nil && there.Status == d.Status && there.Reason == d.Reason && there.Message == d.Message {
		return nil
	}
	now := metav1.NewTime(in.Now())
	c := corev1.NodeCondition{Type: Condition, Status: d.Status, Reason: d.Reason, Message: d.Message, LastHeartbeatTime: now, LastTransitionTime: now}
	if there != nil && there.Status == d.Status {
		c.LastTransitionTime = there.LastTransitionTime
	}
	if err := in.patchCondition(ctx, c); err != nil {
		return err
	}
	in.tell(ctx, n, d)
	return nil
}

// forget takes the condition away.
func (in *Installer) forget(ctx context.Context, n *corev1.Node) error {
	err := in.patchCondition(ctx, map[string]any{"type": Condition, "$patch": "delete"})
	if err == nil {
		in.tell(ctx, n, Decision{Reason: ReasonRemoved, Message: "what the agents of bookend did on the node is undone"})
	}
	return err
}

func (in *Installer) patchCondition(ctx context.Context, c any) error {
	return in.patch(ctx, map[string]any{"status": map[string]any{"conditions": []any{c}}}, types.StrategicMergePatchType, "status")
}

func (in *Installer) patch(ctx context.Context, change any, how types.PatchType, subresource ...string) error {
	data, err := json.Marshal(change)
	if err != nil {
		return err
	}
	if _, err = in.API.Nodes().Patch(ctx, in.Node, how, data, metav1.PatchOptions{}, subresource...); err != nil {
		return fmt.Errorf("node %s: %w", in.Node, err)
	}
	return nil
}

// tell makes an Event about the node, or counts it in one that says the same. It is
// for people: the condition is what stays, and a failure is logged alone.
func (in *Installer) tell(ctx context.Context, n *corev1.Node, d Decision) {
	kind := corev1.EventTypeNormal
	if d.Warn {
		kind = corev1.EventTypeWarning
	}
	now, message := metav1.NewTime(in.Now()), cut(d.Message, maxEvent)
	sum := sha256.Sum256([]byte(d.Reason + "\n" + message))
	ev := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: n.Name + "." + hex.EncodeToString(sum[:8]), Namespace: metav1.NamespaceDefault},
		InvolvedObject: corev1.ObjectReference{Kind: "Node", APIVersion: "v1", Name: n.Name, UID: n.UID},
		Type:           kind, Reason: d.Reason, Message: message,
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
		Source:              corev1.EventSource{Component: component, Host: n.Name},
		ReportingController: component, ReportingInstance: n.Name,
	}
	events := in.API.Events(ev.Namespace)
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		_, err := events.Create(ctx, ev, metav1.CreateOptions{})
		if !apierrors.IsAlreadyExists(err) {
			return err
		}
		there, err := events.Get(ctx, ev.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		there.Count++
		there.LastTimestamp = now
		_, err = events.Update(ctx, there, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		in.Log.Warn("an Event about the node is not made", "reason", d.Reason, "error", err)
	}
}

// cut is s in at most so many bytes, without half a character.
func cut(s string, most int) string {
	const dots = "..."
	if len(s) <= most {
		return s
	}
	end := most - len(dots)
	for end > 0 && s[end]&0xc0 == 0x80 {
		end--
	}
	return s[:end] + dots
}
