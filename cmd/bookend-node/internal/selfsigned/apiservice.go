package selfsigned

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// APIService is how the API server reaches an aggregated API. Its types would be
// another module, for one field.
type APIService struct {
	Client dynamic.Interface
	Name   string
}

var _ Target = APIService{}

func (t APIService) all() dynamic.ResourceInterface {
	return t.Client.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
}

// bundle is what the API server trusts for the API, in PEM.
func (t APIService) bundle(ctx context.Context) ([]byte, error) {
	s, err := t.all().Get(ctx, t.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("API service: %w", err)
	}
	text, _, err := unstructured.NestedString(s.Object, "spec", "caBundle")
	if err != nil {
		return nil, fmt.Errorf("API service: %w", err)
	}
	bundle, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("API service: spec.caBundle: %w", err)
	}
	return bundle, nil
}

// Trusts implements [Target].
func (t APIService) Trusts(ctx context.Context, authority *x509.Certificate) (bool, error) {
	bundle, err := t.bundle(ctx)
	if err != nil {
		return false, err
	}
	certs, err := decodeCertificates(bundle)
	return err == nil && slices.ContainsFunc(certs, authority.Equal), nil // a bundle that is none trusts no one
}

// Trust implements [Target].
func (t APIService) Trust(ctx context.Context, bundle []byte) error {
	is, err := t.bundle(ctx)
	if err != nil || bytes.Equal(is, bundle) {
		return err
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"caBundle": bundle}})
	if err != nil {
		return err
	}
	if _, err := t.all().Patch(ctx, t.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("API service: %w", err)
	}
	return nil
}
