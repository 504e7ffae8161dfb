package selfsigned

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"reflect"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

func TestAnAuthorityIsKnownIfAllWebhooksHaveIt(t *testing.T) {
	c := newCluster(t)
	k := c.replica(t, beginning, testLifetimes())
	if _, err := k.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := c.secret(t)
	target := MutatingWebhooks{Client: c, Name: configuration}
	all := c.AdmissionregistrationV1().MutatingWebhookConfigurations()
	for i := range 2 {
		found, err := all.Get(t.Context(), configuration, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found.Webhooks[i].ClientConfig.CABundle = []byte("no certificate")
		if _, err := all.Update(t.Context(), found, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if trusts, err := target.Trusts(t.Context(), s.newest.cert); err != nil || trusts {
			t.Errorf("webhook %d does not have it: trusts %t, %v", i, trusts, err)
		}
		if err := target.Trust(t.Context(), s.bundle()); err != nil {
			t.Fatal(err)
		}
		if trusts, err := target.Trusts(t.Context(), s.newest.cert); err != nil || !trusts {
			t.Errorf("all have it: trusts %t, %v", trusts, err)
		}
	}
	before := len(c.Actions())
	if err := target.Trust(t.Context(), s.bundle()); err != nil {
		t.Fatal(err)
	}
	for _, a := range c.Actions()[before:] {
		if a.GetVerb() != "get" {
			t.Errorf("%s of what is there already", a.GetVerb())
		}
	}
}

// Whoever changes the configuration between the two steps changes what a patch is of.
func TestAConfigurationThatOthersChangeIsReadAgain(t *testing.T) {
	c := newCluster(t)
	all := c.AdmissionregistrationV1().MutatingWebhookConfigurations()
	changed := 0
	c.PrependReactor("patch", "mutatingwebhookconfigurations", func(a clienttesting.Action) (bool, runtime.Object, error) {
		changed++
		if changed > 1 {
			return false, nil, nil
		}
		stored, err := c.Tracker().Get(a.GetResource(), "", configuration)
		if err != nil {
			return true, nil, err
		}
		other := stored.(*admissionregistrationv1.MutatingWebhookConfiguration)
		other.Webhooks, other.ResourceVersion = other.Webhooks[1:], "another"
		return false, nil, c.Tracker().Update(a.GetResource(), other, "")
	})
	if _, err := c.replica(t, beginning, testLifetimes()).Reconcile(t.Context()); err != nil || changed != 2 {
		t.Errorf("%d patches, %v", changed, err)
	}
	found, err := all.Get(t.Context(), configuration, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Webhooks) != 1 || len(found.Webhooks[0].ClientConfig.CABundle) == 0 {
		t.Errorf("what went came back, or the other has no authority: %v", found.Webhooks)
	}
}

// An update by a client that is older than the API server drops fields.
func TestOnlyTheBundlesAreWritten(t *testing.T) {
	c := newCluster(t)
	var patch map[string]any
	c.PrependReactor("patch", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		return false, nil, json.Unmarshal(a.(clienttesting.PatchAction).GetPatch(), &patch)
	})
	target := MutatingWebhooks{Client: c, Name: configuration}
	if err := target.Trust(t.Context(), []byte("bundle")); err != nil {
		t.Fatal(err)
	}
	bundle := map[string]any{"caBundle": "YnVuZGxl"}
	want := map[string]any{"metadata": map[string]any{"resourceVersion": "0"}, "webhooks": []any{
		map[string]any{"name": "class.bookend.dev", "clientConfig": bundle}, map[string]any{"name": "namespace.bookend.dev", "clientConfig": bundle},
	}}
	if !reflect.DeepEqual(patch, want) {
		t.Errorf("written is %v", patch)
	}
	for _, a := range c.Actions() {
		if a.GetVerb() == "update" {
			t.Error("the whole configuration is written")
		}
	}
}

// told is a target that looks at what is served when it is told.
type told struct {
	keeper *Keeper
	served []*x509.Certificate // nil: none
}

func (*told) Trusts(context.Context, *x509.Certificate) (bool, error) { return true, nil }

func (t *told) Trust(context.Context, []byte) error {
	var leaf *x509.Certificate
	if c, err := t.keeper.GetCertificate(nil); err == nil {
		leaf = c.Leaf
	}
	t.served = append(t.served, leaf)
	return nil
}

func TestAnAuthorityIsToldBeforeItsCertificateIsServed(t *testing.T) {
	c := newCluster(t)
	k := c.replica(t, beginning, testLifetimes())
	target := &told{keeper: k}
	k.o.Targets = []Target{target}
	if _, err := k.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(target.served) != 1 || target.served[0] != nil {
		t.Errorf("when it was told the server had %v", target.served)
	}
}
