package kubeclient

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// object is a pointer to a T that is an object of the API.
type object[T any] interface {
	*T
	runtime.Object
	metav1.Object
}

// Resource are the objects of one resource. What it returns are the errors of the API
// server, as package k8s.io/apimachinery/pkg/api/errors tells them apart.
type Resource[T any, P object[T]] struct {
	client    rest.Interface
	name      string
	namespace string // empty: they have none
	options   runtime.ParameterCodec
}

// Get reads an object.
func (r Resource[T, P]) Get(ctx context.Context, name string, o metav1.GetOptions) (P, error) {
	return r.do(ctx, r.client.Get().Name(name).VersionedParams(&o, r.options))
}

// Create makes an object.
func (r Resource[T, P]) Create(ctx context.Context, made P, o metav1.CreateOptions) (P, error) {
	return r.do(ctx, r.client.Post().VersionedParams(&o, r.options).Body(made))
}

// Update replaces an object.
func (r Resource[T, P]) Update(ctx context.Context, changed P, o metav1.UpdateOptions) (P, error) {
	return r.do(ctx, r.client.Put().Name(changed.GetName()).VersionedParams(&o, r.options).Body(changed))
}

// Patch changes an object, or a subresource of it.
func (r Resource[T, P]) Patch(ctx context.Context, name string, how types.PatchType, data []byte, o metav1.PatchOptions, subresources ...string) (P, error) {
	return r.do(ctx, r.client.Patch(how).Name(name).SubResource(subresources...).VersionedParams(&o, r.options).Body(data))
}

func (r Resource[T, P]) do(ctx context.Context, request *rest.Request) (P, error) {
	answer := P(new(T))
	err := r.of(request).Do(ctx).Into(answer)
	return answer, err
}

// of has a request be about the resource.
func (r Resource[T, P]) of(request *rest.Request) *rest.Request {
	return request.NamespaceIfScoped(r.namespace, r.namespace != "").Resource(r.name)
}

// list is a pointer to an L that is a list of the API.
type list[L any] interface {
	*L
	runtime.Object
}

// Listed is a [Resource] whose objects can be listed.
type Listed[T, L any, P object[T], Q list[L]] struct{ Resource[T, P] }

// List reads the objects that o selects.
func (r Listed[T, L, P, Q]) List(ctx context.Context, o metav1.ListOptions) (Q, error) {
	answer := Q(new(L))
	err := r.of(r.client.Get()).VersionedParams(&o, r.options).Do(ctx).Into(answer)
	return answer, err
}

// Watch follows the objects that o selects.
func (r Listed[T, L, P, Q]) Watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	o.Watch = true
	return r.of(r.client.Get()).VersionedParams(&o, r.options).Watch(ctx)
}
