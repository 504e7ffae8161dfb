package kube

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/transport"
)

// member is a service account of the space with a right, and clients of it.
type member struct {
	*kubernetes.Clientset

	name   string // as the API server knows it
	key    string // of its kubeconfig
	config *rest.Config
}

// member makes one that may get a resource, such as pods/log, and waits until it may.
func (s *space) member(name, resource string) *member {
	s.t.Helper()
	ctx := s.t.Context()
	meta := metav1.ObjectMeta{Name: name}
	rights := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{resource}, Verbs: []string{"get"}}}}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: name, Namespace: s.name}},
	}
	_, err := s.CoreV1().ServiceAccounts(s.name).Create(ctx, &corev1.ServiceAccount{ObjectMeta: meta}, metav1.CreateOptions{})
	if err == nil {
		_, err = s.RbacV1().Roles(s.name).Create(ctx, rights, metav1.CreateOptions{})
	}
	if err == nil {
		_, err = s.RbacV1().RoleBindings(s.name).Create(ctx, binding, metav1.CreateOptions{})
	}
	m := &member{name: "system:serviceaccount:" + s.name + ":" + name}
	if err == nil {
		m.key, err = s.Login(ctx, s.name, name)
	}
	if err == nil {
		m.config, err = clientcmd.BuildConfigFromFlags("", kubeconfigFile(m.key))
	}
	if err == nil {
		m.Clientset, err = kubernetes.NewForConfig(m.config)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.awaitRight(m, resource)
	return m
}

func (s *space) awaitRight(m *member, resource string) {
	s.t.Helper()
	resource, sub, _ := strings.Cut(resource, "/")
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: s.name, Verb: "get", Resource: resource, Subresource: sub},
	}}
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "the right of "+m.name, func() error {
		got, err := m.AuthorizationV1().SelfSubjectAccessReviews().Create(s.t.Context(), review, metav1.CreateOptions{})
		if err == nil && !got.Status.Allowed {
			err = apierrors.NewForbidden(corev1.Resource(resource), "", nil)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// wantSaid runs kubectl bookend as a user and checks that it prints these words.
func (s *space) wantSaid(as *member, words []string, args ...string) {
	s.t.Helper()
	out, err := s.KubectlAs(s.t.Context(), as.key, append(append([]string{"bookend"}, args...), "--namespace="+s.name)...)
	if err != nil {
		s.t.Error(err)
	}
	for _, word := range words {
		if !strings.Contains(out, word) {
			s.t.Errorf("kubectl bookend %q says nothing of %q:\n%s", args, word, out)
		}
	}
}

func TestKubectlBookendShowsAPodsHooks(t *testing.T) {
	s := newHookedSpace(t, "pre", "pre-go")
	reader := s.member("reader", "pods/log")
	s.create(s.plain("web", harness.Bookend, polite, hooks(shell("echo hello"), shell("echo up > /fifo/pre; cat /fifo/pre-go"))))
	s.await("web", "the pod to be ready", ready)
	s.wantSaid(reader, []string{"web/main", "postStart", "exec", "Succeeded"}, "history", "web")
	s.wantSaid(reader, []string{"postStart", "hello"}, "logs", "web")
	s.wantSaid(reader, []string{"web/main", "running"}, "ps", "web")

	s.kubectl("delete", "pod", "web", "--wait=false")
	if _, err := s.fifos.Await(t.Context(), "pre"); err != nil {
		t.Fatal(err)
	}
	s.wantSaid(reader, []string{"web/main", "preStop (exec)"}, "ps", "web")
	s.wantSaid(reader, []string{"preStop", "Running"}, "history", "web")
	if err := s.fifos.Open(t.Context(), "pre-go"); err != nil {
		t.Fatal(err)
	}
	s.await("web", "the pod to go", gone)
}

func TestWhoMayNotReadAPodsLogsSeesNothingOfItsHooks(t *testing.T) {
	s := newHookedSpace(t)
	reader, stranger := s.member("reader", "pods/log"), s.member("stranger", "pods")
	s.create(s.plain("web", harness.Bookend, polite, hooks(shell("echo hello"), nil)))
	s.await("web", "the pod to be ready", ready)

	for _, command := range []string{"ps", "logs", "history"} {
		out, err := s.KubectlAs(t.Context(), stranger.key, "bookend", command, "web", "--namespace="+s.name)
		if err == nil || out != "" || !strings.Contains(err.Error(), "forbidden") {
			t.Errorf("kubectl bookend %s of a stranger: %q, %v", command, out, err)
		}
	}
	// Whoever is authenticated by the API server cannot name another by headers.
	forging := rest.CopyConfig(stranger.config)
	forging.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		return transport.NewAuthProxyRoundTripper("admin", "", []string{"system:masters"}, nil, next)
	}
	forger, err := kubernetes.NewForConfig(forging)
	if err != nil {
		t.Fatal(err)
	}
	for _, subresource := range []string{"hooks", "log"} {
		path := HooksAPI + "/namespaces/" + s.name + "/pods/web/" + subresource
		for who, client := range map[string]*kubernetes.Clientset{"a stranger": stranger.Clientset, "a forger": forger} {
			if err := client.Discovery().RESTClient().Get().AbsPath(path).Do(t.Context()).Error(); !apierrors.IsForbidden(err) {
				t.Errorf("%s of %s: %v, want 403", subresource, who, err)
			}
		}
		if err := reader.Discovery().RESTClient().Get().AbsPath(path).Do(t.Context()).Error(); err != nil {
			t.Errorf("%s of the reader: %v", subresource, err)
		}
	}
}

func TestTheAgentBelievesTheAPIServersHeadersAlone(t *testing.T) {
	s := newHookedSpace(t)
	reader := s.member("reader", "pods/log")
	s.create(s.plain("web", harness.Bookend, polite, hooks(shell("echo hello"), nil)))
	s.await("web", "the pod to be ready", ready)

	admins := http.Header{"X-Remote-User": {"admin"}, "X-Remote-Group": {"system:masters"}}
	withToken := admins.Clone()
	withToken.Set("Authorization", "Bearer "+reader.config.BearerToken)
	for _, c := range []struct {
		what   string
		cert   string // of the client; empty: none
		header http.Header
		want   int
	}{
		{"headers alone", "", admins, http.StatusUnauthorized},
		{"headers with a certificate of the cluster's authority", kubeletClient, admins, http.StatusUnauthorized},
		{"headers with a user's token", "", withToken, http.StatusUnauthorized},
		{"the API server for no one", frontProxy, nil, http.StatusUnauthorized},
		{"the API server for a stranger", frontProxy, http.Header{"X-Remote-User": {"stranger"}}, http.StatusForbidden},
		{"the API server for the reader", frontProxy, http.Header{"X-Remote-User": {reader.name}}, http.StatusOK},
	} {
		if got := s.askAgent(c.cert, c.header, "web"); got != c.want {
			t.Errorf("%s: status %d, want %d", c.what, got, c.want)
		}
	}
}

// askAgent asks the agent itself for a pod's log, and returns the status code.
func (s *space) askAgent(clientCert string, header http.Header, pod string) int {
	s.t.Helper()
	authority, err := os.ReadFile(agentFile("ca.crt"))
	if err != nil {
		s.t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: agentHost}
	config.RootCAs.AppendCertsFromPEM(authority)
	if clientCert != "" {
		cert, err := tls.LoadX509KeyPair(certFile(clientCert), keyFile(clientCert))
		if err != nil {
			s.t.Fatal(err)
		}
		// Whether the server names its authority or not.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, agentAPI+HooksAPI+"/namespaces/"+s.name+"/pods/"+pod+"/log", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	answer, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}
