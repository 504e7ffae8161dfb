package selfsigned

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// Target is where API servers learn whom to trust.
type Target interface {
	// Trusts tells whether the authority is there already.
	Trusts(ctx context.Context, authority *x509.Certificate) (bool, error)
	// Trust puts the bundle there, in PEM, unless it is there.
	Trust(ctx context.Context, bundle []byte) error
}

// MutatingWebhooks are all webhooks of a MutatingWebhookConfiguration.
type MutatingWebhooks struct {
	Client kubernetes.Interface
	Name   string // of the configuration
}

var _ Target = MutatingWebhooks{}

// Trusts implements [Target].
func (t MutatingWebhooks) Trusts(ctx context.Context, authority *x509.Certificate) (bool, error) {
	c, err := t.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, t.Name, metav1.GetOptions{})
	if err != nil {
		return false, fmt.Errorf("webhook configuration: %w", err)
	}
	for _, w := range c.Webhooks {
		certs, err := decodeCertificates(w.ClientConfig.CABundle)
		if err != nil || !slices.ContainsFunc(certs, authority.Equal) {
			return false, nil //nolint:nilerr // a bundle that is none trusts no one
		}
	}
	return true, nil
}

// Trust implements [Target].
func (t MutatingWebhooks) Trust(ctx context.Context, bundle []byte) error {
	all := t.Client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		c, err := all.Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		changed := false
		for i := range c.Webhooks {
			if to := &c.Webhooks[i].ClientConfig; !bytes.Equal(to.CABundle, bundle) {
				to.CABundle, changed = bundle, true
			}
		}
		if !changed {
			return nil
		}
		_, err = all.Update(ctx, c, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("webhook configuration: %w", err)
	}
	return nil
}
