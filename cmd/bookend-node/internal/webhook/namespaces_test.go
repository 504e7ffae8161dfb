package webhook

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata/fake"
	"k8s.io/client-go/tools/cache"
)

func namespaceNamed(name, hooks string) *metav1.PartialObjectMetadata {
	n := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"bookend.dev/hooks": hooks}}}
	n.APIVersion, n.Kind = "v1", "Namespace"
	return n
}

func TestLabelsOfNamespaces(t *testing.T) {
	scheme := fake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	client := fake.NewSimpleMetadataClient(scheme, namespaceNamed("shop", "enabled"))
	ctx, stop := context.WithCancel(t.Context())
	w, err := Watch(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); w.Wait() })
	if !cache.WaitForCacheSync(ctx.Done(), w.all.HasSynced) {
		t.Fatal("never synced")
	}
	if err := w.Ready(); err != nil {
		t.Error(err)
	}
	asked := len(client.Actions())
	if labels, err := w.Labels(ctx, "shop"); err != nil || labels["bookend.dev/hooks"] != "enabled" {
		t.Errorf("got %v, %v", labels, err)
	}
	if got := len(client.Actions()); got != asked {
		t.Errorf("asked the API server %d times for what the watch knows", got-asked)
	}
	if labels, err := w.Labels(ctx, "none"); err != nil || labels != nil {
		t.Errorf("a namespace that does not exist: %v, %v", labels, err)
	}
	if got := len(client.Actions()); got == asked {
		t.Error("did not ask the API server for what the watch does not know")
	}
	if err := client.Tracker().Update(namespaceResource(), namespaceNamed("shop", "disabled"), ""); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); ; {
		labels, err := w.Labels(ctx, "shop")
		if err != nil {
			t.Fatal(err)
		}
		if labels["bookend.dev/hooks"] == "disabled" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("a change never came")
		}
	}
}

func TestNotReadyBeforeTheNamespacesAreKnown(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop() // the watch never begins
	w, err := Watch(ctx, fake.NewSimpleMetadataClient(fake.NewTestScheme()))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Wait()
	if err := w.Ready(); err == nil {
		t.Error("is ready")
	}
}
