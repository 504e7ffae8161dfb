//go:build kube

package look

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/keyutil"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
	"bookend.dev/bookend/cmd/bookend-node/internal/plugin"
	"bookend.dev/bookend/hooks/record"
)

// programsVariable names the directory of etcd and kube-apiserver.
const programsVariable = "BOOKEND_KUBE"

// aggregator is a real API server, on etcd, before the agents of these tests. Its
// Service is an ExternalName, as there is no kube-proxy.
type aggregator struct {
	t      *testing.T
	dir    string
	port   int
	tokens map[string]string // by user
	ca     *authority
	*kubernetes.Clientset
}

func newAggregator(t *testing.T) *aggregator {
	t.Helper()
	a := &aggregator{t: t, dir: t.TempDir(), port: freePort(t), ca: newAuthority(t, "cluster"), tokens: map[string]string{
		"admin": "token-of-admin", "reader": "token-of-reader", "stranger": "token-of-stranger",
	}}
	etcd, peer := fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	a.start("etcd", "--data-dir="+filepath.Join(a.dir, "etcd"), "--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer, "--unsafe-no-fsync")
	proxies := newAuthority(t, "front-proxy-ca")
	a.write("proxy-ca.crt", proxies.pem)
	a.pair("proxy", proxies, proxyName)
	a.pair("serving", a.ca, "127.0.0.1", "localhost")
	a.write("accounts.key", must(keyutil.MarshalPrivateKeyToPEM(newKey(t)))(t))
	var tokens bytes.Buffer
	table := csv.NewWriter(&tokens)
	for user, token := range a.tokens {
		group := map[string]string{"admin": "system:masters"}[user]
		_ = table.Write([]string{token, user, user, group})
	}
	table.Flush()
	a.write("tokens.csv", tokens.Bytes())
	a.start("kube-apiserver", "--etcd-servers="+etcd, fmt.Sprintf("--secure-port=%d", a.port), "--bind-address=127.0.0.1", "--advertise-address="+ownAddress(t),
		"--tls-cert-file="+a.file("serving.crt"), "--tls-private-key-file="+a.file("serving.key"), "--token-auth-file="+a.file("tokens.csv"),
		"--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+a.file("accounts.key"), "--service-account-signing-key-file="+a.file("accounts.key"),
		"--requestheader-client-ca-file="+a.file("proxy-ca.crt"), "--requestheader-allowed-names="+proxyName, "--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+a.file("proxy.crt"), "--proxy-client-key-file="+a.file("proxy.key"))
	a.Clientset = a.client(a.tokens["admin"])
	a.await("the API server", func(ctx context.Context) error {
		return a.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	return a
}

func freePort(t *testing.T) int {
	t.Helper()
	l := listen(t)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// ownAddress is an address of this machine that is no loopback.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return ip.IP.String()
		}
	}
	t.Fatal("this machine has no address but loopback")
	return ""
}

func (a *aggregator) file(name string) string { return filepath.Join(a.dir, name) }

func (a *aggregator) write(name string, data []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.file(name), data, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *aggregator) pair(name string, by *authority, commonName string, names ...string) {
	a.t.Helper()
	cert, key := by.issue(a.t, commonName, nil, names...)
	a.write(name+".crt", cert)
	a.write(name+".key", key)
}

// start starts a program, which ends with the test.
func (a *aggregator) start(name string, args ...string) {
	a.t.Helper()
	log, err := os.Create(a.file(name + ".log"))
	if err != nil {
		a.t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(os.Getenv(programsVariable), name), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = a.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
		if text, _ := os.ReadFile(log.Name()); a.t.Failed() {
			a.t.Logf("%s:\n%s", name, text[max(0, len(text)-4000):])
		}
	})
}

func (a *aggregator) config(token string) *rest.Config {
	return &rest.Config{Host: fmt.Sprintf("https://127.0.0.1:%d", a.port), BearerToken: token, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: a.ca.pem, ServerName: "localhost"}}
}

func (a *aggregator) client(token string) *kubernetes.Clientset {
	a.t.Helper()
	c, err := kubernetes.NewForConfig(a.config(token))
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// await waits until something succeeds.
func (a *aggregator) await(what string, try func(context.Context) error) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			a.t.Fatalf("%s: %v", what, err)
		}
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
		return v
	}
}

// furnish makes what deploy/ is to make: the agents' account and what it may, the
// right of everyone to ask, and the reader's to read logs.
func (a *aggregator) furnish() {
	t, ctx, none := a.t, a.t.Context(), metav1.CreateOptions{}
	for _, ns := range []string{"bookend", "shop"} {
		must(a.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, none))(t)
	}
	must(a.CoreV1().ServiceAccounts("bookend").Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "agent"}}, none))(t)
	rule := func(verb, group string, resources ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: []string{group}, Resources: resources}
	}
	agent := rbacv1.Subject{Kind: "ServiceAccount", Namespace: "bookend", Name: "agent"}
	everyone := rbacv1.Subject{Kind: "Group", APIGroup: rbacv1.GroupName, Name: "system:authenticated"}
	reader := rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: "reader"}
	for name, r := range map[string]struct {
		to    rbacv1.Subject
		rules []rbacv1.PolicyRule
	}{
		"agent":    {agent, []rbacv1.PolicyRule{rule("get", "", "pods"), rule("create", "authorization.k8s.io", "subjectaccessreviews"), rule("create", "authentication.k8s.io", "tokenreviews"), rule("list", "discovery.k8s.io", "endpointslices")}},
		"may-ask":  {everyone, []rbacv1.PolicyRule{rule("get", hooksapi.Group, "pods/hooks", "pods/log")}},
		"may-read": {reader, []rbacv1.PolicyRule{rule("get", "", "pods/log")}},
	} {
		must(a.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: r.rules}, none))(t)
		must(a.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: []rbacv1.Subject{r.to}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}}, none))(t)
	}
	// The API server makes this Role a moment after it is ready.
	must(a.RbacV1().RoleBindings("kube-system").Create(ctx, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "agent"}, Subjects: []rbacv1.Subject{agent}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "extension-apiserver-authentication-reader"}}, none))(t)
}

// pod makes one on a node that no kubelet looks after.
func (a *aggregator) pod(name, node string) *corev1.Pod {
	a.t.Helper()
	return must(a.CoreV1().Pods("shop").Create(a.t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "main", Image: "none"}}},
	}, metav1.CreateOptions{}))(a.t)
}

// register has the API server aggregate the API of the agents at a port.
func (a *aggregator) register(port int, agents *authority) {
	a.t.Helper()
	must(a.CoreV1().Services("bookend").Create(a.t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "agents"}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}, metav1.CreateOptions{}))(a.t)
	text, err := json.Marshal(map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": hooksapi.Version + "." + hooksapi.Group},
		"spec": map[string]any{
			"group": hooksapi.Group, "version": hooksapi.Version, "groupPriorityMinimum": 100, "versionPriority": 100, "caBundle": agents.pem,
			"service": map[string]any{"namespace": "bookend", "name": "agents", "port": port},
		},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	if err := a.RESTClient().Post().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices").SetHeader("Content-Type", "application/json").Body(text).Do(a.t.Context()).Error(); err != nil {
		a.t.Fatal(err)
	}
}

// get asks the API server as a user.
func (a *aggregator) get(user, path string) (string, error) {
	text, err := a.client(a.tokens[user]).RESTClient().Get().AbsPath(path).MaxRetries(0).DoRaw(a.t.Context())
	return string(text), err
}

// agent runs the agent of a node, with a token of the real API server.
func (a *aggregator) agent(node, certs, token string) (l net.Listener, store *record.Store) {
	t := a.t
	store = record.Open(t.TempDir(), record.Limits{MaxAge: 1 << 62})
	must(store, nil)(t)
	flags := Flags{Listen: "0.0.0.0:0", namespace: "bookend", service: "agents", port: "look", serviceAccount: "agent", certDir: certs, tokenFile: token}
	account := must(a.CoreV1().ServiceAccounts("bookend").CreateToken(t.Context(), "agent", &authenticationv1.TokenRequest{}, metav1.CreateOptions{}))(t)
	s := New(Options{
		Client: must(kubeclient.New(a.config(account.Status.Token)))(t), Records: store, Node: node, Namespace: flags.namespace, Service: flags.service, Port: flags.port,
		ServiceAccount: flags.serviceAccount, CertDir: certs, TokenFile: token, Log: testLog(t), Limits: quick,
	})
	l = must(net.Listen("tcp", flags.Listen))(t)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); <-done })
	a.await("the agent", func(context.Context) error { return s.Ready() })
	yes, name, port := true, "look", int32(l.Addr().(*net.TCPAddr).Port)
	must(a.DiscoveryV1().EndpointSlices("bookend").Create(t.Context(), &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: node, Labels: map[string]string{discoveryv1.LabelServiceName: "agents"}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{ownAddress(t)}, NodeName: &node, Conditions: discoveryv1.EndpointConditions{Ready: &yes}}},
	}, metav1.CreateOptions{}))(t)
	return l, store
}

// A real API server aggregates the API: it finds it available, merges its documents,
// and hands on who asks. Tokens, rights and addresses are the real ones.
func TestARealAPIServerAggregatesIt(t *testing.T) {
	a := newAggregator(t)
	a.furnish()
	agents := newAuthority(t, "agents")
	certs, token := agents.certDir(t, serverName), a.file("agents-token")
	seconds := int64(3600)
	forAgents := must(a.CoreV1().ServiceAccounts("bookend").CreateToken(t.Context(), "agent", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{Audience}, ExpirationSeconds: &seconds},
	}, metav1.CreateOptions{}))(t)
	a.write("agents-token", []byte(forAgents.Status.Token))
	first, one := a.agent("node-a", certs, token)
	_, other := a.agent("node-b", certs, token)
	web, db := a.pod("web", "node-a"), a.pod("db", "node-b")
	(&agent{store: one}).ran(subject(web, "c1"), "of web\n")
	(&agent{store: other}).ran(subject(db, "c2"), "of db\n")
	a.register(first.Addr().(*net.TCPAddr).Port, agents)

	a.await("the APIService", func(ctx context.Context) error {
		text, err := a.get("admin", "/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.hooks.bookend.dev")
		if err == nil && !strings.Contains(text, `"reason":"Passed"`) {
			err = errors.New(text)
		}
		return err
	})
	for pod, want := range map[string]string{"web": "node-a of web\n", "db": "node-b of db\n"} {
		a.await(pod, func(context.Context) error { _, err := a.get("reader", podLog(pod)); return err })
		text, err := a.get("reader", podLog(pod))
		lines, _ := readLines(t, strings.NewReader(text))
		if err != nil || len(lines) == 0 || lines[0].Head == nil || lines[0].Head.Node+" "+printed(lines) != want {
			t.Errorf("%s: %s, %v", pod, text, err)
		}
		if text, err := a.get("stranger", podLog(pod)); !apierrors.IsForbidden(err) || strings.Contains(text, "of "+pod) || !strings.Contains(text, "(get pods/log)") {
			t.Errorf("%s, to a stranger: %s, %v", pod, text, err)
		}
	}
	if _, err := a.get("reader", podHooks("web")); err != nil {
		t.Error(err)
	}
	if _, err := a.get("reader", podLog("none")); !apierrors.IsNotFound(err) {
		t.Errorf("no such pod: %v", err)
	}
	a.wantPlugin()
	a.wantForged(first.Addr().(*net.TCPAddr).Port, agents)
	a.wantDocuments()
}

// wantPlugin looks at the pods as kubectl bookend does.
func (a *aggregator) wantPlugin() {
	a.write("ca.crt", a.ca.pem)
	run := func(user string, args ...string) (int, string) {
		var out bytes.Buffer
		args = append(args, "-n", "shop", "--server", fmt.Sprintf("https://127.0.0.1:%d", a.port), "--token", a.tokens[user], "--certificate-authority", a.file("ca.crt"),
			"--tls-server-name", "localhost", "--kubeconfig", os.DevNull)
		code := plugin.Execute(a.t.Context(), "1", args, plugin.Streams{Out: &out, Err: &out})
		return code, out.String()
	}
	for want, args := range map[string]string{
		"\nstdout: of db\n":                  "logs db",
		" db/main ":                          "history db",
		"node node-b knows of no containers": "ps db",
	} {
		if code, out := run("reader", strings.Fields(args)...); code != plugin.ExitOK || !strings.Contains(out, want) {
			a.t.Errorf("%s: exit code %d, %s", args, code, out)
		}
		if code, out := run("stranger", strings.Fields(args)...); code != plugin.ExitFailed || !strings.Contains(out, "see kubectl auth can-i get pods --subresource=log -n shop") {
			a.t.Errorf("%s, of a stranger: exit code %d, %s", args, code, out)
		}
	}
	if code, out := run("reader", "logs", "none"); code != plugin.ExitFailed || !strings.Contains(out, `pods "none" not found in namespace shop`) {
		a.t.Errorf("no such pod: exit code %d, %s", code, out)
	}
}

// wantForged asks an agent past the API server, with real tokens.
func (a *aggregator) wantForged(port int, agents *authority) {
	t := a.t
	for name, token := range map[string]string{"reader": a.tokens["reader"], "admin": a.tokens["admin"], "no one": ""} {
		config := &rest.Config{Host: fmt.Sprintf("https://127.0.0.1:%d", port), BearerToken: token, TLSClientConfig: rest.TLSClientConfig{CAData: agents.pem, ServerName: serverName}}
		client := must(rest.HTTPClientFor(config))(t)
		r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host+podLog("web"), nil))(t)
		r.Header = http.Header{"X-Remote-User": {"reader"}, "X-Remote-Group": {"system:masters"}}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		client.CloseIdleConnections()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d: %s", name, answer.StatusCode, body)
		}
	}
}

// wantDocuments looks for the API in what the API server says of itself.
func (a *aggregator) wantDocuments() {
	t := a.t
	resources, err := a.Discovery().ServerResourcesForGroupVersion(hooksapi.GroupVersion)
	if err != nil || len(resources.APIResources) != 2 {
		t.Errorf("discovery: %+v, %v", resources, err)
	}
	for path, want := range map[string]string{
		"/openapi/v2": hooksapi.Root + "/namespaces/{namespace}/pods/{name}/log",
		"/openapi/v3/apis/hooks.bookend.dev/v1alpha1": hooksapi.Root + "/namespaces/{namespace}/pods/{name}/log",
	} {
		a.await(path, func(context.Context) error {
			text, err := a.get("admin", path)
			if err == nil && !strings.Contains(text, want) {
				err = errors.New("it does not have the API")
			}
			return err
		})
	}
}
