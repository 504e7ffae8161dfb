package selfsigned

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// lose has the API server refuse the next change of the Secret.
func (c *cluster) lose(verb string, because func(resource string) error) (lost *bool) {
	lost = new(bool)
	c.PrependReactor(verb, "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		if *lost {
			return false, nil, nil
		}
		*lost = true
		return true, nil, because(secretName)
	})
	return lost
}

// Another replica is faster, in each way that the API server tells it: the Secret is read
// again, and that is no error.
func TestALostRaceIsNoError(t *testing.T) {
	now := beginning()
	c := newCluster(t)
	k := c.replica(t, func() time.Time { return now }, testLifetimes())
	secrets := corev1.Resource("secrets")
	for _, race := range []struct {
		verb string
		err  error
	}{
		{"create", apierrors.NewAlreadyExists(secrets, secretName)},
		{"update", apierrors.NewConflict(secrets, secretName, nil)},
		{"update", apierrors.NewNotFound(secrets, secretName)},
	} {
		lost := c.lose(race.verb, func(string) error { return race.err })
		if _, err := k.Reconcile(t.Context()); err != nil || !*lost {
			t.Errorf("%s: lost %t, %v", race.err, *lost, err)
		}
		if got := c.secret(t).serving.cert; !made(got).Equal(now) {
			t.Errorf("%s: the certificate is of %s", race.err, made(got))
		}
		now = now.Add(20 * time.Hour) // the next one is due
	}
}

// A Secret with nothing of use in it gets certificates, and keeps what else it has.
func TestASecretOfNoUseIsFilled(t *testing.T) {
	for name, data := range map[string]map[string][]byte{
		"empty": nil, "another's": {"other": []byte("it")}, "damaged": {authoritiesCerts: []byte("no certificate"), "other": []byte("it")},
	} {
		c := newCluster(t)
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secretName}, Data: data}
		if _, err := c.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.replica(t, beginning, testLifetimes()).Reconcile(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.secret(t) // it is one
		got, err := c.CoreV1().Secrets(namespace).Get(t.Context(), secretName, metav1.GetOptions{})
		if err != nil || string(got.Data["other"]) != string(data["other"]) {
			t.Errorf("%s: has %q, %v", name, got.Data["other"], err)
		}
	}
}

// rotating is a cluster whose newest authority, of that very moment, signs nothing yet.
func rotating(t *testing.T, targets ...Target) (c *cluster, now *time.Time, reconcile func()) {
	t.Helper()
	at := beginning()
	c = newCluster(t)
	k := c.replica(t, func() time.Time { return at }, Lifetimes{Authority: 300 * time.Hour, Serving: 290 * time.Hour, Settle: time.Hour})
	if targets != nil {
		k.o.Targets = targets
	}
	reconcile = func() {
		t.Helper()
		if _, err := k.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	reconcile()
	at = at.Add(200 * time.Hour)
	reconcile() // a serving certificate
	reconcile() // an authority
	if s := c.secret(t); s.isNewest() || len(s.older) != 1 {
		t.Fatal("no authority waits")
	}
	return c, &at, reconcile
}

// An authority that a configuration has lost meanwhile is waited for anew.
func TestAnAuthorityThatWasForgottenSettlesAgain(t *testing.T) {
	c, now, reconcile := rotating(t)
	reconcile() // sees it
	*now = now.Add(30 * time.Minute)
	all := c.AdmissionregistrationV1().MutatingWebhookConfigurations()
	found, err := all.Get(t.Context(), configuration, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found.Webhooks[1].ClientConfig.CABundle = nil
	if _, err := all.Update(t.Context(), found, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	reconcile()
	*now = now.Add(30 * time.Minute)
	if reconcile(); c.secret(t).isNewest() {
		t.Error("signs before it has settled again")
	}
	*now = now.Add(time.Hour)
	if reconcile(); !c.secret(t).isNewest() {
		t.Error("does not sign when it has settled")
	}
}

// mute is a target that cannot be asked.
type mute struct{}

func (mute) Trusts(context.Context, *x509.Certificate) (bool, error) {
	return false, errors.New("cannot be asked")
}

func (mute) Trust(context.Context, []byte) error { return nil }

func TestAnAuthorityDoesNotSignWhereNoOneTellsThatItIsKnown(t *testing.T) {
	c, now, reconcile := rotating(t, mute{})
	for range 3 {
		reconcile()
		*now = now.Add(2 * time.Hour)
	}
	if c.secret(t).isNewest() {
		t.Error("it signs")
	}
}
