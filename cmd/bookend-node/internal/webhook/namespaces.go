package webhook

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// Watched are the namespaces of a cluster, from a watch of their metadata.
type Watched struct {
	client  metadata.Interface
	factory metadatainformer.SharedInformerFactory
	all     cache.SharedIndexInformer
}

var _ Namespaces = (*Watched)(nil)

func namespaceResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
}

// Watch begins to watch the namespaces, until ctx ends.
func Watch(ctx context.Context, client metadata.Interface) (*Watched, error) {
	f := metadatainformer.NewSharedInformerFactory(client, 0)
	w := &Watched{client: client, factory: f, all: f.ForResource(namespaceResource()).Informer()}
	if err := w.all.SetTransform(labelsOnly); err != nil {
		return nil, fmt.Errorf("namespaces: %w", err)
	}
	f.Start(ctx.Done())
	return w, nil
}

// labelsOnly is what is kept of a namespace.
func labelsOnly(object any) (any, error) {
	if all, ok := object.(*metav1.PartialObjectMetadata); ok {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Name: all.Name, Labels: all.Labels, ResourceVersion: all.ResourceVersion,
		}}, nil
	}
	return object, nil
}

// Ready returns an error until all namespaces are known.
func (w *Watched) Ready() error {
	if !w.all.HasSynced() {
		return fmt.Errorf("%w: the namespaces are not known yet", errNotReady)
	}
	return nil
}

// Wait returns when ctx has ended and with it the watch.
func (w *Watched) Wait() { w.factory.Shutdown() }

// Labels implements [Namespaces]. One that the watch has not told of yet is asked
// for: a pod may follow its namespace at once.
func (w *Watched) Labels(ctx context.Context, name string) (map[string]string, error) {
	object, known, err := w.all.GetStore().GetByKey(name)
	if err == nil && known {
		if m, err := meta.Accessor(object); err == nil {
			return m.GetLabels(), nil
		}
	}
	found, err := w.client.Resource(namespaceResource()).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err): // the API server refuses the pod
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("namespace %s: %w", name, err)
	}
	return found.Labels, nil
}
