package look

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
)

// apiServer is as much of an API server as agents ask, over HTTP.
type apiServer struct {
	url string

	mu       sync.Mutex
	config   *corev1.ConfigMap
	version  int
	watchers map[chan *corev1.ConfigMap]bool
	pods     map[string]*corev1.Pod // by namespace/name
	slices   []discoveryv1.EndpointSlice
	tokens   map[string]authenticationv1.TokenReviewStatus
	may      map[string]bool // by user: whether it may read logs
	denied   map[string]bool // by user: whether it is denied to all the same
	reviews  []authorizationv1.SubjectAccessReviewSpec
	failing  map[string]int // paths that are answered with this status, or never
}

// never is in place of a status.
const never = -1

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	a := &apiServer{
		watchers: map[chan *corev1.ConfigMap]bool{}, pods: map[string]*corev1.Pod{}, may: map[string]bool{}, denied: map[string]bool{},
		tokens: map[string]authenticationv1.TokenReviewStatus{}, failing: map[string]int{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", a.reviewAccess)
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", a.reviewToken)
	mux.HandleFunc("GET /api/v1/namespaces/kube-system/configmaps", a.configMaps)
	mux.HandleFunc("GET /api/v1/namespaces/{ns}/pods/{pod}", a.pod)
	mux.HandleFunc("GET /apis/discovery.k8s.io/v1/namespaces/bookend/endpointslices", a.endpointSlices)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		code := a.failing[r.URL.Path]
		a.mu.Unlock()
		switch code {
		case 0:
			mux.ServeHTTP(w, r)
		case never:
			_, _ = io.Copy(io.Discard, r.Body) // so that the end of the connection is noticed
			<-r.Context().Done()
		default:
			w.WriteHeader(code)
		}
	}))
	a.url = srv.URL
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return a
}

// fail has one path fail, and no other.
func (a *apiServer) fail(path string, code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failing = map[string]int{path: code}
}

func (a *apiServer) client(t *testing.T) *kubeclient.Client {
	t.Helper()
	c, err := kubeclient.New(&rest.Config{Host: a.url, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json", AcceptContentTypes: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answerJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func (a *apiServer) reviewAccess(w http.ResponseWriter, r *http.Request) {
	var review authorizationv1.SubjectAccessReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reviews = append(a.reviews, review.Spec)
	review.Status.Allowed, review.Status.Denied = a.may[review.Spec.User], a.denied[review.Spec.User]
	answerJSON(w, http.StatusCreated, review)
}

func (a *apiServer) reviewToken(w http.ResponseWriter, r *http.Request) {
	var review authenticationv1.TokenReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	st := a.tokens[review.Spec.Token]
	// A real one answers with the audiences that are both the token's and asked for.
	st.Audiences = slices.DeleteFunc(slices.Clone(st.Audiences), func(s string) bool { return !slices.Contains(review.Spec.Audiences, s) })
	review.Status = st
	answerJSON(w, http.StatusCreated, review)
}

func (a *apiServer) pod(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	pod := a.pods[r.PathValue("ns")+"/"+r.PathValue("pod")]
	if pod == nil {
		st := apierrors.NewNotFound(corev1.Resource("pods"), r.PathValue("pod")).Status()
		answerJSON(w, int(st.Code), st)
		return
	}
	answerJSON(w, http.StatusOK, pod)
}

func (a *apiServer) endpointSlices(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.URL.Query().Get("labelSelector") != "kubernetes.io/service-name=agents" {
		http.Error(w, "of which service?", http.StatusBadRequest)
		return
	}
	answerJSON(w, http.StatusOK, discoveryv1.EndpointSliceList{Items: a.slices})
}

// setConfig replaces the ConfigMap and tells those who watch.
func (a *apiServer) setConfig(data map[string]string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	a.config = &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: authenticationConfigMap, ResourceVersion: fmt.Sprint(a.version)},
		Data:       data,
	}
	for w := range a.watchers {
		w <- a.config
	}
}

// watchersNow is how many watch the ConfigMap.
func (a *apiServer) watchersNow() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.watchers)
}

func (a *apiServer) configMaps(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("watch") != "true" {
		a.mu.Lock()
		defer a.mu.Unlock()
		list := corev1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: fmt.Sprint(a.version)}}
		if a.config != nil {
			list.Items = append(list.Items, *a.config)
		}
		answerJSON(w, http.StatusOK, list)
		return
	}
	news := make(chan *corev1.ConfigMap, 16)
	a.mu.Lock()
	a.watchers[news] = true
	first, version := a.config, a.version
	a.mu.Unlock()
	defer func() { a.mu.Lock(); delete(a.watchers, news); a.mu.Unlock() }()
	send := func(kind watch.EventType, o runtime.Object) {
		raw, _ := json.Marshal(o)
		_ = json.NewEncoder(w).Encode(metav1.WatchEvent{Type: string(kind), Object: runtime.RawExtension{Raw: raw}})
		_ = http.NewResponseController(w).Flush()
	}
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		if first != nil {
			send(watch.Added, first)
		}
		send(watch.Bookmark, &corev1.ConfigMap{
			TypeMeta:   metav1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"},
			ObjectMeta: metav1.ObjectMeta{ResourceVersion: fmt.Sprint(version), Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"}},
		})
	}
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case c := <-news:
			send(watch.Modified, c)
		}
	}
}
