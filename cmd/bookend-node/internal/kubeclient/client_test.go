package kubeclient

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// apiServer answers every request with one object, in protobuf, as Kubernetes' own
// scheme has it, and keeps what was asked.
type apiServer struct {
	t      *testing.T
	answer runtime.Object
	code   int
	asked  string         // method, path and query
	body   runtime.Object // of the request; nil: it was none of protobuf
}

func newAPIServer(t *testing.T) (*apiServer, *Client) {
	t.Helper()
	a := &apiServer{t: t, code: http.StatusOK}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	c, err := New(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.asked, a.body = r.Method+" "+r.URL.RequestURI(), nil
	data, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	if r.Header.Get("Content-Type") == runtime.ContentTypeProtobuf {
		if a.body, _, err = scheme.Codecs.UniversalDeserializer().Decode(data, nil, nil); err != nil {
			a.t.Error(err)
		}
	}
	info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	out, err := runtime.Encode(scheme.Codecs.EncoderForVersion(info.Serializer, corev1.SchemeGroupVersion), a.answer)
	if err != nil {
		a.t.Error(err)
	}
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
	w.WriteHeader(a.code)
	_, _ = w.Write(out)
}

func (a *apiServer) wantAsked(want string, err error) {
	a.t.Helper()
	if a.asked != want || err != nil {
		a.t.Errorf("asked %s, %v; want %s", a.asked, err, want)
	}
}

func TestAnObjectIsReadAndWritten(t *testing.T) {
	a, c := newAPIServer(t)
	meta := metav1.ObjectMeta{Namespace: "shop", Name: "web", ResourceVersion: "7"}
	a.answer = &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{NodeName: "n1"}}
	pod, err := c.Pods("shop").Get(t.Context(), "web", metav1.GetOptions{})
	a.wantAsked("GET /api/v1/namespaces/shop/pods/web", err)
	if pod.Spec.NodeName != "n1" || pod.ResourceVersion != "7" {
		t.Errorf("read %+v", pod)
	}
	event := &corev1.Event{ObjectMeta: meta, Reason: "Why"}
	a.answer = event
	for want, write := range map[string]func() (*corev1.Event, error){
		"POST /api/v1/namespaces/shop/events": func() (*corev1.Event, error) {
			return c.Events("shop").Create(t.Context(), event, metav1.CreateOptions{})
		},
		"PUT /api/v1/namespaces/shop/events/web": func() (*corev1.Event, error) {
			return c.Events("shop").Update(t.Context(), event, metav1.UpdateOptions{})
		},
	} {
		answer, err := write()
		a.wantAsked(want, err)
		sent, ok := a.body.(*corev1.Event)
		if !ok || sent.Reason != "Why" || sent.ResourceVersion != "7" || answer.Reason != "Why" {
			t.Errorf("sent %+v, got %+v", a.body, answer)
		}
	}
}

func TestANodeIsPatchedAndNodesAreListed(t *testing.T) {
	a, c := newAPIServer(t)
	a.answer = &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", Labels: map[string]string{"ready": "yes"}}}
	node, err := c.Nodes().Patch(t.Context(), "n1", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{FieldManager: "us"}, "status")
	a.wantAsked("PATCH /api/v1/nodes/n1/status?fieldManager=us", err)
	if node.Labels["ready"] != "yes" {
		t.Errorf("read %+v", node)
	}
	a.answer = &corev1.NodeList{Items: []corev1.Node{*node}, ListMeta: metav1.ListMeta{Continue: "more"}}
	list, err := c.Nodes().List(t.Context(), metav1.ListOptions{Limit: 1, Continue: "here"})
	a.wantAsked("GET /api/v1/nodes?continue=here&limit=1", err)
	if len(list.Items) != 1 || list.Continue != "more" {
		t.Errorf("read %+v", list)
	}
}

func TestEachGroupHasItsPath(t *testing.T) {
	a, c := newAPIServer(t)
	ctx := t.Context()
	a.answer = &corev1.ConfigMapList{}
	_, err := c.ConfigMaps("kube-system").List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=m"})
	a.wantAsked("GET /api/v1/namespaces/kube-system/configmaps?fieldSelector=metadata.name%3Dm", err)
	a.answer = &metav1.Status{Status: metav1.StatusSuccess}
	_, err = c.EndpointSlices("bookend").List(ctx, metav1.ListOptions{LabelSelector: "a=b"})
	a.wantAsked("GET /apis/discovery.k8s.io/v1/namespaces/bookend/endpointslices?labelSelector=a%3Db", err)
	_, err = c.TokenReviews().Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: "t"}}, metav1.CreateOptions{})
	a.wantAsked("POST /apis/authentication.k8s.io/v1/tokenreviews", err)
	if sent, ok := a.body.(*authenticationv1.TokenReview); !ok || sent.Spec.Token != "t" {
		t.Errorf("sent %+v", a.body)
	}
	_, err = c.SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{}, metav1.CreateOptions{})
	a.wantAsked("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", err)
}

// Every type that is asked for is one of Kubernetes' own, under its name.
func TestTheSchemeIsAPartOfKubernetesOwn(t *testing.T) {
	for _, o := range []runtime.Object{
		&corev1.Pod{}, &corev1.Event{}, &corev1.ConfigMap{}, &corev1.ConfigMapList{}, &corev1.Node{}, &corev1.NodeList{},
		&authenticationv1.TokenReview{}, &authorizationv1.SubjectAccessReview{}, &discoveryv1.EndpointSlice{}, &discoveryv1.EndpointSliceList{},
	} {
		ours, _, err := newScheme().ObjectKinds(o)
		if err != nil {
			t.Error(err)
			continue
		}
		if theirs, _, err := scheme.Scheme.ObjectKinds(o); err != nil || ours[0] != theirs[0] {
			t.Errorf("%v, %v in Kubernetes' scheme, %v", ours, theirs, err)
		}
	}
}

func TestARefusalIsTheAPIServers(t *testing.T) {
	a, c := newAPIServer(t)
	status := apierrors.NewNotFound(corev1.Resource("pods"), "web").Status()
	a.answer, a.code = &status, http.StatusNotFound
	if _, err := c.Pods("shop").Get(t.Context(), "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}
