package selfsigned

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

const (
	namespace     = "bookend-system"
	secretName    = "bookend-webhook-certificates"
	configuration = "bookend"
	serverName    = "bookend-webhook.bookend-system.svc"
)

// cluster is an API server's store, with resourceVersions as in a real one, which
// the fake client lacks.
type cluster struct {
	*fake.Clientset
	refuses bool // to change webhook configurations
	mu      sync.Mutex
	version int
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{Clientset: fake.NewClientset(&admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: configuration, ResourceVersion: "0"},
		Webhooks:   []admissionregistrationv1.MutatingWebhook{{Name: "class.bookend.dev"}, {Name: "namespace.bookend.dev"}},
	})}
	c.PrependReactor("create", "*", c.write)
	c.PrependReactor("update", "*", c.write)
	c.PrependReactor("patch", "mutatingwebhookconfigurations", c.patch)
	return c
}

func (c *cluster) write(action clienttesting.Action) (handled bool, result runtime.Object, err error) {
	object := action.(clienttesting.CreateAction).GetObject() // an update has the same method
	is, err := meta.Accessor(object)
	if err != nil {
		return true, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if action.GetVerb() == "update" {
		stored, err := c.Tracker().Get(action.GetResource(), action.GetNamespace(), is.GetName())
		if err != nil {
			return true, nil, err
		}
		was, err := meta.Accessor(stored)
		if err != nil {
			return true, nil, err
		}
		if was.GetResourceVersion() != is.GetResourceVersion() {
			return true, nil, apierrors.NewConflict(action.GetResource().GroupResource(), is.GetName(), nil)
		}
	}
	c.version++
	is.SetResourceVersion(strconv.Itoa(c.version))
	if action.GetVerb() == "update" {
		return true, object, c.Tracker().Update(action.GetResource(), object, action.GetNamespace())
	}
	return true, object, c.Tracker().Create(action.GetResource(), object, action.GetNamespace())
}

// patch is one of a webhook configuration.
func (c *cluster) patch(action clienttesting.Action) (handled bool, result runtime.Object, err error) {
	p := action.(clienttesting.PatchAction)
	if c.refuses {
		return true, nil, apierrors.NewForbidden(action.GetResource().GroupResource(), p.GetName(), nil)
	}
	var version metav1.PartialObjectMetadata
	if err := json.Unmarshal(p.GetPatch(), &version); err != nil {
		return true, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	stored, err := c.Tracker().Get(action.GetResource(), "", p.GetName())
	if err != nil {
		return true, nil, err
	}
	was, err := meta.Accessor(stored)
	if err != nil {
		return true, nil, err
	}
	if version.ResourceVersion != "" && version.ResourceVersion != was.GetResourceVersion() {
		return true, nil, apierrors.NewConflict(action.GetResource().GroupResource(), p.GetName(), nil)
	}
	if _, result, err = clienttesting.ObjectReaction(c.Tracker())(action); err != nil {
		return true, nil, err
	}
	is, err := meta.Accessor(result)
	if err != nil {
		return true, nil, err
	}
	c.version++
	is.SetResourceVersion(strconv.Itoa(c.version))
	return true, result, c.Tracker().Update(action.GetResource(), result, "")
}

// bundle is what an API server trusts for the webhook.
func (c *cluster) bundle(t *testing.T) []byte {
	t.Helper()
	found, err := c.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), configuration, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range found.Webhooks[1:] {
		if string(w.ClientConfig.CABundle) != string(found.Webhooks[0].ClientConfig.CABundle) {
			t.Fatal("the webhooks of a configuration trust different authorities")
		}
	}
	return found.Webhooks[0].ClientConfig.CABundle
}

// secret is what the Secret holds.
func (c *cluster) secret(t *testing.T) *state {
	t.Helper()
	found, err := c.CoreV1().Secrets(namespace).Get(t.Context(), secretName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := decode(found.Data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// replica returns the keeper of another replica.
func (c *cluster) replica(t *testing.T, now func() time.Time, l Lifetimes) *Keeper {
	return New(Options{
		Client: c, Namespace: namespace, Secret: secretName, Names: []string{serverName},
		Targets:   []Target{MutatingWebhooks{Client: c, Name: configuration}},
		Lifetimes: l, Now: now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
}
