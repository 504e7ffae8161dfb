package apitest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// handleNodes serves nodes, and the metadata of what tells an agent to leave its node.
func (s *Server) handleNodes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/nodes", s.listNodes)
	mux.HandleFunc("GET /api/v1/nodes/{name}", s.getNode)
	mux.HandleFunc("PATCH /api/v1/nodes/{name}", s.patchNode)
	mux.HandleFunc("PATCH /api/v1/nodes/{name}/status", s.patchNode)
	mux.HandleFunc("GET /api/v1/namespaces/{name}", s.getMeta)
	mux.HandleFunc("GET /apis/apps/v1/namespaces/{namespace}/daemonsets/{name}", s.getMeta)
	mux.HandleFunc("PATCH /apis/apps/v1/namespaces/{namespace}/daemonsets/{name}", s.patchMeta)
}

// SetNode adds a node, or changes it as f says.
func (s *Server) SetNode(name string, f func(*corev1.Node)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[name]
	n.Name = name
	f(&n)
	s.nodes[name] = n
}

// Node returns a copy of a node.
func (s *Server) Node(name string) corev1.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[name]
	return *n.DeepCopy()
}

// SetMeta adds the metadata of an object whose path in the API is path; nil: removes it.
func (s *Server) SetMeta(path string, m *metav1.ObjectMeta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m == nil {
		delete(s.metas, path)
		return
	}
	s.metas[path] = *m
}

// Meta returns what SetMeta set, or requests have made of it.
func (s *Server) Meta(path string) metav1.ObjectMeta {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.metas[path]
	return *m.DeepCopy()
}

// listNodes gives one node at a time, where a limit is asked for.
func (s *Server) listNodes(w http.ResponseWriter, r *http.Request) {
	var names []string
	for name := range s.nodes {
		names = append(names, name)
	}
	slices.Sort(names)
	list := corev1.NodeList{TypeMeta: metav1.TypeMeta{Kind: "NodeList", APIVersion: "v1"}}
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	for i := from; i < len(names); i++ {
		if r.URL.Query().Get("limit") != "" && i > from {
			list.Continue = strconv.Itoa(i)
			break
		}
		list.Items = append(list.Items, s.nodes[names[i]])
	}
	reply(w, http.StatusOK, list)
}

func (s *Server) getNode(w http.ResponseWriter, r *http.Request) {
	n, ok := s.nodes[r.PathValue("name")]
	if !ok {
		refuse(w, apierrors.NewNotFound(corev1.Resource("nodes"), r.PathValue("name")))
		return
	}
	reply(w, http.StatusOK, n)
}

// patchNode changes the status alone, or all but the status, as an API server does.
func (s *Server) patchNode(w http.ResponseWriter, r *http.Request) {
	there, ok := s.nodes[r.PathValue("name")]
	if !ok {
		refuse(w, apierrors.NewNotFound(corev1.Resource("nodes"), r.PathValue("name")))
		return
	}
	var patched corev1.Node
	if !patch(w, r, there, &patched) {
		return
	}
	if r.URL.Path == "/api/v1/nodes/"+r.PathValue("name") {
		patched.Status = there.Status
	} else {
		status := patched.Status
		patched = there
		patched.Status = status
	}
	s.nodes[there.Name] = patched
	reply(w, http.StatusOK, patched)
}

func (s *Server) getMeta(w http.ResponseWriter, r *http.Request) {
	m, ok := s.metas[r.URL.Path]
	if !ok {
		refuse(w, apierrors.NewNotFound(schema.GroupResource{}, r.PathValue("name")))
		return
	}
	reply(w, http.StatusOK, partial(m))
}

func (s *Server) patchMeta(w http.ResponseWriter, r *http.Request) {
	m, ok := s.metas[r.URL.Path]
	if !ok {
		refuse(w, apierrors.NewNotFound(schema.GroupResource{}, r.PathValue("name")))
		return
	}
	var patched metav1.PartialObjectMetadata
	if patch(w, r, partial(m), &patched) {
		s.metas[r.URL.Path] = patched.ObjectMeta
		reply(w, http.StatusOK, patched)
	}
}

func partial(m metav1.ObjectMeta) metav1.PartialObjectMetadata {
	return metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{Kind: "PartialObjectMetadata", APIVersion: "meta.k8s.io/v1"}, ObjectMeta: m}
}

// patch applies the request to what is there.
func patch(w http.ResponseWriter, r *http.Request, there, patched any) bool {
	change, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, apierrors.NewBadRequest(err.Error()))
		return false
	}
	before, err := json.Marshal(there)
	after := before
	if err == nil {
		switch types.PatchType(r.Header.Get("Content-Type")) {
		case types.MergePatchType:
			after, err = jsonpatch.MergePatch(before, change)
		case types.StrategicMergePatchType:
			after, err = strategicpatch.StrategicMergePatch(before, change, there)
		default:
			err = http.ErrNotSupported
		}
	}
	if err == nil {
		err = json.Unmarshal(after, patched)
	}
	if err != nil {
		refuse(w, apierrors.NewBadRequest(err.Error()))
		return false
	}
	return true
}
