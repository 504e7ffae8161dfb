// Package apitest serves, over HTTP, what the agent's tests need of an API server:
// pods and nodes that are there, Events with the API server's rules of names and
// versions, whom the request headers of an aggregated API come from, and who may read
// logs.
// What a real one does is tested in integration/kube.
package apitest

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// Server is an API server.
type Server struct {
	*httptest.Server

	mu      sync.Mutex
	version int
	events  map[string]corev1.Event // by namespace and name
	pods    map[string]corev1.Pod
	config  map[string]string // of request headers
	readers map[string]bool   // of logs, by the user's name
	nodes   map[string]corev1.Node
	metas   map[string]metav1.ObjectMeta // by their paths
	before  func(*http.Request) *apierrors.StatusError
}

// New starts a server, which the caller closes.
func New() *Server {
	s := newServer()
	s.Start()
	return s
}

// NewTLS starts a server of HTTPS, which the caller closes.
func NewTLS() *Server {
	s := newServer()
	s.EnableHTTP2 = true
	s.StartTLS()
	return s
}

// Authority is what the certificate of a server of HTTPS is checked against, in PEM.
func (s *Server) Authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func newServer() *Server {
	s := &Server{
		events: map[string]corev1.Event{}, pods: map[string]corev1.Pod{}, readers: map[string]bool{},
		nodes: map[string]corev1.Node{}, metas: map[string]metav1.ObjectMeta{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/pods/{name}", s.getPod)
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/events/{name}", s.getEvent)
	mux.HandleFunc("POST /api/v1/namespaces/{namespace}/events", s.createEvent)
	mux.HandleFunc("PUT /api/v1/namespaces/{namespace}/events/{name}", s.updateEvent)
	s.handleNodes(mux)
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", s.reviewAccess)
	mux.HandleFunc("GET /api/v1/namespaces/kube-system/configmaps", s.listConfig)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		before := s.before
		s.mu.Unlock()
		if before != nil {
			if err := before(r); err != nil {
				reply(w, int(err.ErrStatus.Code), err.ErrStatus)
				return
			}
		}
		if r.URL.Query().Get("watch") == "true" {
			s.watchConfig(w, r)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	return s
}

// Before has each request go through f first, which may refuse it; nil: none does.
func (s *Server) Before(f func(*http.Request) *apierrors.StatusError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// AddPod adds a pod.
func (s *Server) AddPod(p corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pods[p.Namespace+"/"+p.Name] = p
}

// Events returns all there are.
func (s *Server) Events() []corev1.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []corev1.Event
	for _, ev := range s.events {
		all = append(all, ev)
	}
	return all
}

// Expire removes all events.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.events)
}

func (s *Server) getPod(w http.ResponseWriter, r *http.Request) {
	if m, ok := s.metas[r.URL.Path]; ok {
		reply(w, http.StatusOK, partial(m))
		return
	}
	get(w, r, "pods", s.pods)
}

func (s *Server) getEvent(w http.ResponseWriter, r *http.Request) {
	get(w, r, "events", s.events)
}

func get[T any](w http.ResponseWriter, r *http.Request, resource string, all map[string]T) {
	o, ok := all[r.PathValue("namespace")+"/"+r.PathValue("name")]
	if !ok {
		refuse(w, apierrors.NewNotFound(corev1.Resource(resource), r.PathValue("name")))
		return
	}
	reply(w, http.StatusOK, o)
}

func (s *Server) createEvent(w http.ResponseWriter, r *http.Request) {
	ev, ok := readEvent(w, r)
	key := r.PathValue("namespace") + "/" + ev.Name
	if _, exists := s.events[key]; ok && exists {
		refuse(w, apierrors.NewAlreadyExists(corev1.Resource("events"), ev.Name))
		return
	}
	s.put(w, ok, http.StatusCreated, key, ev)
}

func (s *Server) updateEvent(w http.ResponseWriter, r *http.Request) {
	ev, ok := readEvent(w, r)
	key := r.PathValue("namespace") + "/" + r.PathValue("name")
	switch there, exists := s.events[key]; {
	case !ok:
	case !exists:
		refuse(w, apierrors.NewNotFound(corev1.Resource("events"), ev.Name))
		return
	case there.ResourceVersion != ev.ResourceVersion:
		refuse(w, apierrors.NewConflict(corev1.Resource("events"), ev.Name, nil))
		return
	}
	s.put(w, ok, http.StatusOK, key, ev)
}

func (s *Server) put(w http.ResponseWriter, ok bool, code int, key string, ev corev1.Event) {
	if !ok {
		return
	}
	s.version++
	ev.ResourceVersion = strconv.Itoa(s.version)
	s.events[key] = ev
	reply(w, code, ev)
}

func readEvent(w http.ResponseWriter, r *http.Request) (ev corev1.Event, ok bool) {
	if !read(w, r, &ev) {
		return ev, false
	}
	about := ev.InvolvedObject.Namespace
	if about == "" {
		about = metav1.NamespaceDefault // of what is in no namespace
	}
	if about != r.PathValue("namespace") {
		refuse(w, apierrors.NewBadRequest("not an event of this namespace"))
		return ev, false
	}
	return ev, true
}

// read reads the object that a request brings; false: it is none, and is refused.
func read(w http.ResponseWriter, r *http.Request, into runtime.Object) bool {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		_, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, into)
	}
	if err != nil {
		refuse(w, apierrors.NewBadRequest(err.Error()))
	}
	return err == nil
}

func refuse(w http.ResponseWriter, err *apierrors.StatusError) {
	reply(w, int(err.ErrStatus.Code), err.ErrStatus)
}

func reply(w http.ResponseWriter, code int, v any) {
	if st, ok := v.(metav1.Status); ok {
		st.Kind, st.APIVersion = "Status", "v1"
		v = st
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}
