package selfsigned

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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

// Trust implements [Target]. It writes the bundles alone: an update would drop what this
// client does not know of a newer API server's webhooks.
func (t MutatingWebhooks) Trust(ctx context.Context, bundle []byte) error {
	all := t.Client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		c, err := all.Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		patch, err := bundles(c, bundle)
		if err != nil || patch == nil {
			return err
		}
		_, err = all.Patch(ctx, t.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("webhook configuration: %w", err)
	}
	return nil
}

// bundles is a strategic merge patch of this version of a configuration, by the names of
// its webhooks; nil: all have the bundle.
func bundles(c *admissionregistrationv1.MutatingWebhookConfiguration, bundle []byte) ([]byte, error) {
	var webhooks []map[string]any
	for _, w := range c.Webhooks {
		if !bytes.Equal(w.ClientConfig.CABundle, bundle) {
			webhooks = append(webhooks, map[string]any{"name": w.Name, "clientConfig": map[string]any{"caBundle": bundle}})
		}
	}
	if webhooks == nil {
		return nil, nil
	}
	// A webhook that went meanwhile would come back as its bundle alone.
	return json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": c.ResourceVersion}, "webhooks": webhooks})
}
