package selfsigned

import (
	"context"
	"crypto/x509"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

func TestAConfigurationThatOthersChangeIsReadAgain(t *testing.T) {
	c, refused := newCluster(t), false
	c.PrependReactor("update", "mutatingwebhookconfigurations", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if refused {
			return false, nil, nil
		}
		refused = true
		return true, nil, apierrors.NewConflict(a.GetResource().GroupResource(), configuration, nil)
	})
	if _, err := c.replica(t, beginning, testLifetimes()).Reconcile(t.Context()); err != nil || !refused {
		t.Errorf("refused %t, %v", refused, err)
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
