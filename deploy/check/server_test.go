//go:build kube

package check

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// programsVariable names the directory of etcd, kube-apiserver, kubectl and helm, which
// `make kube-tools` makes.
const programsVariable = "BOOKEND_KUBE"

const limit = time.Minute // of what has to happen some time

// webhookUser is whom the webhook's pods are to the API server.
const webhookUser = "system:serviceaccount:" + namespace + ":bookend-webhook"

// server is an API server with RBAC, on etcd. No controller and no node is there.
type server struct {
	t   *testing.T
	dir string
	url string
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	etcd, peer := "http://"+freeAddress(t), "http://"+freeAddress(t)
	s.start("etcd", "--data-dir=etcd", "--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer, "--unsafe-no-fsync")
	s.write("tokens.csv", "admin,admin,admin,system:masters\nwebhook,"+webhookUser+",webhook\n")
	s.write("accounts.key", string(newKey(t)))
	address := freeAddress(t)
	s.url = "https://" + address
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	s.start("kube-apiserver", "--etcd-servers="+etcd, "--secure-port="+port, "--bind-address=127.0.0.1", "--advertise-address=192.0.2.1", "--cert-dir=certs",
		"--token-auth-file=tokens.csv", "--authorization-mode=RBAC", "--allow-privileged", "--service-cluster-ip-range=10.96.0.0/16", "--disable-admission-plugins=ServiceAccount",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=accounts.key", "--service-account-signing-key-file=accounts.key")
	for _, user := range []string{"admin", "webhook"} {
		s.write(user+".kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: %s}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
`, s.url, user))
	}
	s.await("the API server", func() error { _, err := s.try("kubectl", "get", "--raw=/readyz"); return err })
	s.await("its roles", func() error {
		_, err := s.try("kubectl", "get", "-n", "kube-system", "role", "extension-apiserver-authentication-reader")
		return err
	})
	return s
}

// newKey is a private key in PEM, by which the server signs tokens.
func newKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *server) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) program(name string) string {
	if name == "bookend-node" {
		return builtBinary(s.t, name)
	}
	return filepath.Join(os.Getenv(programsVariable), name)
}

// start starts a program, which ends with the test.
func (s *server) start(name string, args ...string) {
	s.t.Helper()
	log, err := os.Create(filepath.Join(s.dir, name+".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(s.program(name), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
		if text, _ := os.ReadFile(log.Name()); s.t.Failed() {
			s.t.Logf("%s:\n%s", name, text[max(0, len(text)-1000):])
		}
	})
}

// try runs kubectl or helm, in a home of its own.
func (s *server) try(name string, args ...string) (string, error) {
	ctx, stop := context.WithTimeout(s.t.Context(), limit)
	defer stop()
	cmd := exec.CommandContext(ctx, s.program(name), args...)
	cmd.Env = []string{"HOME=" + s.dir, "PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + filepath.Join(s.dir, "admin.kubeconfig")}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, errs.Bytes())
	}
	return string(out), err
}

func (s *server) run(name string, args ...string) string {
	s.t.Helper()
	out, err := s.try(name, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// await polls, as there is no event for all that it is used for.
func (s *server) await(what string, is func() error) {
	s.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for {
		err := is()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("%s: %v", what, err)
		}
	}
}

// field is what kubectl prints of an object.
func (s *server) field(object, path string) string {
	s.t.Helper()
	return s.run("kubectl", "get", "-n", namespace, object, "-o", "jsonpath={"+path+"}")
}

// certified are the fields that the webhook writes, and nothing else may change.
func (s *server) certified() (map[string]string, error) {
	all := map[string]string{}
	for _, at := range [][2]string{
		{"mutatingwebhookconfiguration/bookend", ".webhooks[0].clientConfig.caBundle"},
		{"mutatingwebhookconfiguration/bookend", ".webhooks[1].clientConfig.caBundle"},
		{"apiservice/v1alpha1.hooks.bookend.dev", ".spec.caBundle"},
		{"secret/bookend-webhook-certificates", ".data"},
		{"secret/bookend-agent-certificates", ".data"},
	} {
		key := strings.Join(at[:], " ")
		if all[key] = s.field(at[0], at[1]); all[key] == "" {
			return nil, fmt.Errorf("%s is empty", key)
		}
	}
	return all, nil
}

// awaitCertified waits until the webhook has written all.
func (s *server) awaitCertified() map[string]string {
	s.t.Helper()
	var all map[string]string
	s.await("certificates", func() (err error) { all, err = s.certified(); return err })
	return all
}

// serve runs the webhook with the arguments and the rights of its pods.
func (s *server) serve(all []*object) {
	s.t.Helper()
	args := append(podSpec(s.t, all, "webhook").Containers[0].Args, "--listen="+freeAddress(s.t), "--namespace="+namespace, "--kubeconfig=webhook.kubeconfig")
	s.start("bookend-node", args...)
}

// ours lists all objects of bookend's that are there, but their namespace and what Helm
// remembers of its release.
func (s *server) ours() []string {
	s.t.Helper()
	kinds := map[string]bool{}
	for _, o := range render(s.t, values(s.t, "admissionPolicy: {enabled: true}")) {
		kinds[o.GetKind()+"."+o.GroupVersionKind().Version+"."+o.GroupVersionKind().Group] = true
	}
	var names []string
	for kind := range kinds {
		out := s.run("kubectl", "get", kind, "-A", "-o", "name")
		for name := range strings.Lines(out) {
			if strings.Contains(name, "bookend") && !strings.Contains(name, "sh.helm.release") {
				names = append(names, strings.TrimSpace(name))
			}
		}
	}
	slices.Sort(names)
	return names
}

// wantAll checks that all objects are there, and that the webhook could do its work.
func (s *server) wantAll(rendered []*object) {
	s.t.Helper()
	rendered = slices.DeleteFunc(rendered, (*object).isHook)
	if is := s.ours(); len(is) != len(rendered) {
		s.t.Errorf("%d objects are there, want %d: %q", len(is), len(rendered), is)
	}
	log, err := os.ReadFile(filepath.Join(s.dir, "bookend-node.log"))
	if err != nil || bytes.Contains(log, []byte("forbidden")) {
		s.t.Errorf("the webhook has too few rights: %v\n%s", err, log)
	}
}

func TestAServerAcceptsWhatTheChartRenders(t *testing.T) {
	s := newServer(t)
	s.run("kubectl", "create", "namespace", namespace)
	foreign := []string{"cert-manager.io", serviceMonitor.Group} // what they define is not there
	for name, v := range variants(t) {
		all := slices.DeleteFunc(render(t, v), func(o *object) bool { return slices.Contains(foreign, o.GroupVersionKind().Group) })
		s.write("manifest.yaml", string(text(t, all)))
		if _, err := s.try("kubectl", "apply", "--dry-run=server", "--validate=strict", "-f", filepath.Join(s.dir, "manifest.yaml")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the webhook's replicas write must outlive every change that Helm makes.
func TestHelmLeavesCertificatesAlone(t *testing.T) {
	s := newServer(t)
	s.run("kubectl", "create", "namespace", namespace)
	chart, err := filepath.Abs(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	s.run("helm", "install", "bookend", chart, "-n", namespace)
	s.serve(render(t, nil))
	before := s.awaitCertified()
	same := func(after string) {
		t.Helper()
		now, err := s.certified()
		a, _ := json.Marshal(before)
		b, _ := json.Marshal(now)
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("after %s: %v\n%s\nwas\n%s", after, err, b, a)
		}
	}
	const timeout = ".webhooks[0].timeoutSeconds"
	s.run("helm", "upgrade", "bookend", chart, "-n", namespace, "--set", "webhook.timeoutSeconds=7,runtimeClass.overhead.memory=9Mi")
	if got := s.field("mutatingwebhookconfiguration/bookend", timeout); got != "7" {
		t.Errorf("the upgrade changes nothing: %s", got)
	}
	same("an upgrade")
	s.run("helm", "rollback", "bookend", "1", "-n", namespace)
	if got := s.field("mutatingwebhookconfiguration/bookend", timeout); got != "5" {
		t.Errorf("the rollback changes nothing: %s", got)
	}
	same("a rollback")
	s.wantAll(render(t, nil))
	s.run("helm", "uninstall", "bookend", "-n", namespace, "--no-hooks")
	if left := s.ours(); len(left) > 0 {
		t.Errorf("after the removal there is %q", left)
	}
}

func TestKubectlLeavesCertificatesAlone(t *testing.T) {
	s := newServer(t)
	overlay := filepath.Join(kustomizeDir, "overlays/k3s")
	// The namespace is made before what is in it.
	s.run("kubectl", "apply", "-k", overlay)
	s.serve(render(t, nil))
	before := s.awaitCertified()
	s.run("kubectl", "apply", "-k", overlay)
	after, err := s.certified()
	if a, b := fmt.Sprint(before), fmt.Sprint(after); err != nil || a != b {
		t.Errorf("%v\n%s\nwas\n%s", err, b, a)
	}
	s.run("kubectl", "apply", "-k", "../webhook-free")
	s.wantAll(render(t, values(t, "admissionPolicy: {enabled: true}")))
	for _, dir := range []string{overlay, "../webhook-free"} {
		s.run("kubectl", "delete", "-k", dir, "--wait=false")
	}
	if left := s.ours(); len(left) > 0 {
		t.Errorf("after the removal there is %q", left)
	}
}
