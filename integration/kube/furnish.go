package kube

import (
	"context"
	"errors"
	"fmt"

	"bookend.dev/bookend/integration/harness"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultClasses are the RuntimeClasses of a cluster unless its Options say otherwise.
var DefaultClasses = []string{harness.Runc, harness.Bookend}

func (c *Cluster) furnish(ctx context.Context, classes []string) error {
	for _, name := range classes {
		class := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Handler: name}
		if _, err := c.NodeV1().RuntimeClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create RuntimeClass %s: %w", name, err)
		}
	}
	return nil
}

// NewNamespace makes a namespace and waits until pods can be created in it.
func (c *Cluster) NewNamespace(ctx context.Context) (string, error) {
	name := harness.NewID("t")
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := c.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("create namespace: %w", err)
	}
	_, err := await(ctx, c.CoreV1().RESTClient(), "serviceaccounts", name, "default", "the service account of "+name, func(found *corev1.ServiceAccount) error {
		if found == nil {
			return errors.New("it is not there")
		}
		return nil
	})
	return name, err
}

// RemoveNamespace deletes a namespace and waits until it is gone, pods first.
func (c *Cluster) RemoveNamespace(ctx context.Context, name string) error {
	if err := c.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete namespace %s: %w", name, err)
	}
	_, err := await(ctx, c.CoreV1().RESTClient(), "namespaces", "", name, "namespace "+name+" to go", func(ns *corev1.Namespace) error {
		if ns != nil {
			return fmt.Errorf("it is %s: %+v", ns.Status.Phase, ns.Status.Conditions)
		}
		return nil
	})
	return err
}
