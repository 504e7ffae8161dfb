package kubeclient

import (
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// newScheme has the types of [Client] alone: what a group registers for itself are all
// of its types, and each that is registered is linked with all that can be done with it.
func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	add := func(v schema.GroupVersion, types ...runtime.Object) {
		s.AddKnownTypes(v, types...)
		metav1.AddToGroupVersion(s, v)
	}
	add(corev1.SchemeGroupVersion, &corev1.Pod{}, &corev1.Event{}, &corev1.ConfigMap{}, &corev1.ConfigMapList{}, &corev1.Node{}, &corev1.NodeList{})
	add(authenticationv1.SchemeGroupVersion, &authenticationv1.TokenReview{})
	add(authorizationv1.SchemeGroupVersion, &authorizationv1.SubjectAccessReview{})
	add(discoveryv1.SchemeGroupVersion, &discoveryv1.EndpointSlice{}, &discoveryv1.EndpointSliceList{})
	return s
}
