package kube

import (
	"context"
	"fmt"
	"time"

	"bookend.dev/bookend/integration/harness"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// awaitTimeout bounds what pods of tests take to start, to be restarted, to go.
const awaitTimeout = 2 * time.Minute

// AwaitPod waits until check returns nil for a pod, and returns that; nil is a pod
// that is not there.
func (c *Cluster) AwaitPod(ctx context.Context, namespace, name, what string, check func(*corev1.Pod) error) (*corev1.Pod, error) {
	return await(ctx, c.CoreV1().RESTClient(), "pods", namespace, name, what, check)
}

// AwaitNode waits until check returns nil for the node, and returns that.
func (c *Cluster) AwaitNode(ctx context.Context, what string, check func(*corev1.Node) error) (*corev1.Node, error) {
	return await(ctx, c.CoreV1().RESTClient(), "nodes", "", NodeName, what, check)
}

// object is a pointer to one of the API's types.
type object[T any] interface {
	*T
	runtime.Object
	metav1.Object
}

// await watches one object until check returns nil; what completes "wait for". The
// error has what check said last.
func await[T any, P object[T]](ctx context.Context, client rest.Interface, resource, namespace, name, what string, check func(P) error) (P, error) {
	ctx, cancel := context.WithTimeout(ctx, harness.Limit(awaitTimeout))
	defer cancel()
	seen, last, err := follow(ctx, client, resource, namespace, name, check)
	if err != nil {
		return seen, fmt.Errorf("wait for %s: %w: %w", what, err, last)
	}
	return seen, nil
}

// follow calls check with each state of an object, nil where there is none, until
// check returns nil or the context is done. It returns what check had and said last.
func follow[T any, P object[T]](ctx context.Context, client rest.Interface, resource, namespace, name string, check func(P) error) (seen P, last, err error) {
	lw := cache.NewListWatchFromClient(client, resource, namespace, fields.OneTermEqualSelector(metav1.ObjectNameField, name))
	listed := func(store cache.Store) (bool, error) {
		if len(store.ListKeys()) == 0 {
			last = check(nil)
			return last == nil, nil
		}
		return false, nil // the events begin with those that are there
	}
	_, err = watchtools.UntilWithSync(ctx, lw, P(new(T)), listed, func(event watch.Event) (bool, error) {
		seen = nil
		if event.Type != watch.Deleted {
			seen = event.Object.(P)
		}
		last = check(seen)
		return last == nil, nil
	})
	return seen, last, err
}
