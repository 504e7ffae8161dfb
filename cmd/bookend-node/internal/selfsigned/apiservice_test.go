package selfsigned

import (
	"log/slog"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
)

const apiName = "v1alpha1.hooks.bookend.dev"

// newAPI is an APIService in a cluster, with its bundle as a chart leaves it out.
func newAPI() APIService {
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": apiName},
		"spec":     map[string]any{"group": "hooks.bookend.dev", "versionPriority": int64(10)},
	}}
	return APIService{Client: fake.NewSimpleDynamicClient(runtime.NewScheme(), object), Name: apiName}
}

func TestAnAPIServiceTrustsWhatIsServed(t *testing.T) {
	now := beginning()
	c, api, l := newCluster(t), newAPI(), testLifetimes()
	k := New(Options{
		Client: c, Namespace: namespace, Secret: "agents", Names: []string{serverName}, Targets: []Target{api},
		Lifetimes: l, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	address := serve(t, k)
	bundles := map[string]bool{}
	for end := now.Add(3 * l.Authority); now.Before(end); now = now.Add(l.Settle) {
		if _, err := k.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		bundle, err := api.bundle(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cert, err := connect(address, bundle, now)
		if err != nil {
			t.Fatalf("after %s: %v", now.Sub(beginning()), err)
		}
		if err := cert.VerifyHostname(serverName); err != nil {
			t.Error(err)
		}
		bundles[string(bundle)] = true
	}
	// Each authority was there alone, and beside the next one.
	if len(bundles) < 5 {
		t.Errorf("the API service has had %d bundles", len(bundles))
	}
	if object, err := api.all().Get(t.Context(), apiName, metav1.GetOptions{}); err != nil {
		t.Error(err)
	} else if p, _, _ := unstructured.NestedInt64(object.Object, "spec", "versionPriority"); p != 10 {
		t.Errorf("the rest of the API service has changed: %v", object.Object)
	}
}

func TestAnAPIServiceTrustsOnlyWhatItHas(t *testing.T) {
	api := newAPI()
	first, err := newAuthority(beginning(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	second, err := newAuthority(beginning(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want := func(p pair, want bool) {
		t.Helper()
		if got, err := api.Trusts(t.Context(), p.cert); err != nil || got != want {
			t.Errorf("trusts: %v, %v", got, err)
		}
	}
	want(first, false)
	if err := api.Trust(t.Context(), encodeCertificates(first.cert)); err != nil {
		t.Fatal(err)
	}
	want(first, true)
	want(second, false)
	client := api.Client.(*fake.FakeDynamicClient)
	client.ClearActions()
	if err := api.Trust(t.Context(), encodeCertificates(first.cert)); err != nil || len(client.Actions()) != 1 {
		t.Errorf("of what is there already: %v, %v", client.Actions(), err)
	}

	api.Name = "v1.missing"
	if _, err := api.Trusts(t.Context(), first.cert); err == nil {
		t.Error("said nothing of an API service that is not there")
	}
	if err := api.Trust(t.Context(), nil); err == nil {
		t.Error("said nothing of an API service that is not there")
	}
}
