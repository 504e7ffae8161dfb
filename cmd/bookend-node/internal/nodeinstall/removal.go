package nodeinstall

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
)

var (
	podsResource       = corev1.SchemeGroupVersion.WithResource("pods")
	namespacesResource = corev1.SchemeGroupVersion.WithResource("namespaces")
	daemonSetsResource = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "daemonsets"}
)

// removal finds out whether what the agent installed is to be undone. A signal does
// not tell: a rolling update, a drain and a deletion send the same one.
type removal struct {
	api            metadata.Interface
	namespace, pod string // of this agent; an empty pod is not in a cluster, and is never removed

	owner *metav1.OwnerReference // its DaemonSet; nil: not known yet, or it has none
}

// why is the reason of a removal.
type why string

const (
	stays    why = ""
	asked    why = "asked"    // by the annotation of the DaemonSet
	deleting why = "deleting" // the DaemonSet, or its namespace
)

// wanted tells whether the removal is wanted. Any failure to ask is an error, and no
// removal. Where the agent ends, its namespace may be what is deleted: pods go before
// DaemonSets then.
func (r *removal) wanted(ctx context.Context, ends bool) (why, error) {
	if r.pod == "" {
		return stays, nil
	}
	if err := r.learnOwner(ctx); err != nil || r.owner == nil {
		return stays, err
	}
	set, err := r.api.Resource(daemonSetsResource).Namespace(r.namespace).Get(ctx, r.owner.Name, metav1.GetOptions{})
	gone := apierrors.IsNotFound(err)
	switch {
	case err != nil && !gone:
		return stays, fmt.Errorf("DaemonSet %s: %w", r.owner.Name, err)
	case gone || isDeleting(set):
		return r.unlessLeft(ctx)
	case set.Annotations[AnnotationUninstall] != "":
		return asked, nil
	case !ends:
		return stays, nil
	}
	namespace, err := r.api.Resource(namespacesResource).Get(ctx, r.namespace, metav1.GetOptions{})
	if err != nil {
		return stays, fmt.Errorf("namespace %s: %w", r.namespace, err)
	}
	if namespace.DeletionTimestamp != nil {
		return deleting, nil
	}
	return stays, nil
}

// isDeleting tells whether an object goes together with what it owns.
func isDeleting(o *metav1.PartialObjectMetadata) bool {
	return o.DeletionTimestamp != nil && !slices.Contains(o.Finalizers, metav1.FinalizerOrphanDependents)
}

// learnOwner reads which DaemonSet this pod is of.
func (r *removal) learnOwner(ctx context.Context) error {
	if r.owner != nil {
		return nil
	}
	pod, err := r.self(ctx)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(pod.OwnerReferences, isDaemonSet); i >= 0 {
		r.owner = &pod.OwnerReferences[i]
	}
	return nil
}

func isDaemonSet(o metav1.OwnerReference) bool {
	return o.Kind == "DaemonSet" && o.Controller != nil && *o.Controller
}

func (r *removal) self(ctx context.Context) (*metav1.PartialObjectMetadata, error) {
	pod, err := r.api.Resource(podsResource).Namespace(r.namespace).Get(ctx, r.pod, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("pod %s of this agent: %w", r.pod, err)
	}
	return pod, nil
}

// unlessLeft is a removal unless the DaemonSet was deleted without its pods, which are
// nobody's then.
func (r *removal) unlessLeft(ctx context.Context) (why, error) {
	pod, err := r.self(ctx)
	switch {
	case apierrors.IsNotFound(err):
		return deleting, nil
	case err != nil:
		return stays, err
	case slices.ContainsFunc(pod.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == r.owner.UID }):
		return deleting, nil
	}
	return stays, nil
}
