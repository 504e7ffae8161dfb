package kubeclient

import (
	"cmp"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
)

// Client asks one API server.
type Client struct {
	core, authentication, authorization, discovery rest.Interface
	options                                        runtime.ParameterCodec
}

// New returns a client. It does not connect yet.
func New(config *rest.Config) (*Client, error) {
	config = rest.CopyConfig(config)
	if config.RateLimiter == nil && config.QPS >= 0 {
		qps, burst := cmp.Or(config.QPS, rest.DefaultQPS), cmp.Or(config.Burst, rest.DefaultBurst)
		config.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(qps, burst)
	}
	if config.ContentType == "" {
		config.ContentType = runtime.ContentTypeProtobuf
		config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	}
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	scheme := newScheme()
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	c := &Client{options: runtime.NewParameterCodec(scheme)}
	for _, group := range []struct {
		schema.GroupVersion
		path string
		to   *rest.Interface
	}{
		{corev1.SchemeGroupVersion, "/api", &c.core},
		{authenticationv1.SchemeGroupVersion, "/apis", &c.authentication},
		{authorizationv1.SchemeGroupVersion, "/apis", &c.authorization},
		{discoveryv1.SchemeGroupVersion, "/apis", &c.discovery},
	} {
		config.GroupVersion, config.APIPath = &group.GroupVersion, group.path
		if *group.to, err = rest.RESTClientForConfigAndClient(config, http); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Pods are those of a namespace.
func (c *Client) Pods(namespace string) Resource[corev1.Pod, *corev1.Pod] {
	return Resource[corev1.Pod, *corev1.Pod]{c.core, "pods", namespace, c.options}
}

// Events are those of a namespace.
func (c *Client) Events(namespace string) Resource[corev1.Event, *corev1.Event] {
	return Resource[corev1.Event, *corev1.Event]{c.core, "events", namespace, c.options}
}

// ConfigMaps are those of a namespace.
func (c *Client) ConfigMaps(namespace string) Listed[corev1.ConfigMap, corev1.ConfigMapList, *corev1.ConfigMap, *corev1.ConfigMapList] {
	return Listed[corev1.ConfigMap, corev1.ConfigMapList, *corev1.ConfigMap, *corev1.ConfigMapList]{
		Resource[corev1.ConfigMap, *corev1.ConfigMap]{c.core, "configmaps", namespace, c.options},
	}
}

// Nodes are all.
func (c *Client) Nodes() Listed[corev1.Node, corev1.NodeList, *corev1.Node, *corev1.NodeList] {
	return Listed[corev1.Node, corev1.NodeList, *corev1.Node, *corev1.NodeList]{
		Resource[corev1.Node, *corev1.Node]{c.core, "nodes", "", c.options},
	}
}

// EndpointSlices are those of a namespace.
func (c *Client) EndpointSlices(namespace string) Listed[discoveryv1.EndpointSlice, discoveryv1.EndpointSliceList, *discoveryv1.EndpointSlice, *discoveryv1.EndpointSliceList] {
	return Listed[discoveryv1.EndpointSlice, discoveryv1.EndpointSliceList, *discoveryv1.EndpointSlice, *discoveryv1.EndpointSliceList]{
		Resource[discoveryv1.EndpointSlice, *discoveryv1.EndpointSlice]{c.discovery, "endpointslices", namespace, c.options},
	}
}

// TokenReviews tell whose a token is.
func (c *Client) TokenReviews() Resource[authenticationv1.TokenReview, *authenticationv1.TokenReview] {
	return Resource[authenticationv1.TokenReview, *authenticationv1.TokenReview]{c.authentication, "tokenreviews", "", c.options}
}

// SubjectAccessReviews tell what a user may.
func (c *Client) SubjectAccessReviews() Resource[authorizationv1.SubjectAccessReview, *authorizationv1.SubjectAccessReview] {
	return Resource[authorizationv1.SubjectAccessReview, *authorizationv1.SubjectAccessReview]{c.authorization, "subjectaccessreviews", "", c.options}
}
