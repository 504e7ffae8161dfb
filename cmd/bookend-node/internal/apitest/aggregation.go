package apitest

import (
	"encoding/json"
	"net/http"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// FrontProxy has the server say which authority, in PEM, signs the certificate that it
// hands the identity of callers on with, and for which name.
func (s *Server) FrontProxy(authority []byte, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = map[string]string{
		"requestheader-client-ca-file":       string(authority),
		"requestheader-allowed-names":        `["` + name + `"]`,
		"requestheader-username-headers":     `["X-Remote-User"]`,
		"requestheader-group-headers":        `["X-Remote-Group"]`,
		"requestheader-extra-headers-prefix": `["X-Remote-Extra-"]`,
	}
}

// LetRead has a user be one who may read the logs of all pods.
func (s *Server) LetRead(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers[user] = true
}

func (s *Server) reviewAccess(w http.ResponseWriter, r *http.Request) {
	var review authorizationv1.SubjectAccessReview
	if !read(w, r, &review) {
		return
	}
	review.Status.Allowed = s.readers[review.Spec.User]
	reply(w, http.StatusCreated, review)
}

// configMap is the one that says whom request headers come from; not ok: there is none
// yet.
func (s *Server) configMap() (c corev1.ConfigMap, ok bool) {
	return corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "extension-apiserver-authentication", ResourceVersion: configVersion},
		Data:       s.config,
	}, s.config != nil
}

const configVersion = "1"

func (s *Server) listConfig(w http.ResponseWriter, _ *http.Request) {
	list := corev1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: configVersion}}
	if c, ok := s.configMap(); ok {
		list.Items = append(list.Items, c)
	}
	reply(w, http.StatusOK, list)
}

// watchConfig tells of what is there, where that is asked for, and of nothing after.
func (s *Server) watchConfig(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/v1/namespaces/kube-system/configmaps" {
		refuse(w, apierrors.NewBadRequest("no one can watch that here"))
		return
	}
	send := func(kind watch.EventType, c corev1.ConfigMap) {
		raw, _ := json.Marshal(c)
		_ = json.NewEncoder(w).Encode(metav1.WatchEvent{Type: string(kind), Object: runtime.RawExtension{Raw: raw}})
	}
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		s.mu.Lock()
		c, ok := s.configMap()
		s.mu.Unlock()
		if ok {
			send(watch.Added, c)
		}
		c.Data, c.Annotations = nil, map[string]string{metav1.InitialEventsAnnotationKey: "true"}
		send(watch.Bookmark, c)
	}
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}
