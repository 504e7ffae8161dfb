package webhook

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
	ctrl "sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// fixed serves one certificate for good.
func fixed(t *testing.T, a *authority) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	t.Helper()
	directory := t.TempDir()
	a.write(t, directory)
	files, err := ReadFiles(directory)
	if err != nil {
		t.Fatal(err)
	}
	return files.GetCertificate
}

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	m.Run()
}

func TestReviews(t *testing.T) {
	a := newAuthority(t)
	s, c := start(t, newHandler(t), fixed(t, a), nil), a.client()
	with := func(class, annotation string) string {
		return `{"metadata": {"name": "web", "annotations": {"lifecycle.bookend.dev/web": "` + annotation + `"}}, "spec": {"runtimeClassName": "` + class + `", "containers": [{"name": "web"}]}}`
	}
	changing := func(subresource string) func(*admissionv1.AdmissionRequest) {
		return func(r *admissionv1.AdmissionRequest) {
			r.SubResource, r.OldObject.Raw = subresource, []byte(with("bookend", "preStop: null"))
		}
	}
	for _, test := range []struct {
		name    string
		body    []byte
		patch   string // part of it; "": there is none
		code    int32  // of a refusal; 0: it is allowed
		message string
		warning string
	}{
		{name: "a pod in a labelled namespace", body: review(admissionv1.Create, "shop", hooked, nil), patch: `"/spec/runtimeClassName"`},
		{name: "a pod elsewhere", body: review(admissionv1.Create, "default", hooked, nil)},
		{name: "another class in a labelled namespace", body: review(admissionv1.Create, "shop", with("gvisor", "x"), nil), warning: `spec.runtimeClassName: is "gvisor"`},
		{name: "an invalid annotation", body: review(admissionv1.Create, "default", with("bookend", "preStop: {}"), nil),
			code: 403, message: "metadata.annotations[lifecycle.bookend.dev/web].preStop: must have a handler"},
		{name: "no namespace can be read", body: review(admissionv1.Create, "other", hooked, nil), code: 500, message: "the API server is not there"},
		{name: "no pod", body: review(admissionv1.Create, "default", `[]`, nil), code: 400, message: "cannot be read"},
		{name: "a change", body: review(admissionv1.Update, "default", with("bookend", "preStop: {sleep: {}}"), changing("")), code: 403, message: "must not change"},
		{name: "a change by the status", body: review(admissionv1.Update, "default", with("bookend", "preStop: {sleep: {}}"), changing("status")), code: 403, message: "must not change"},
		{name: "a change by resize", body: review(admissionv1.Update, "default", with("bookend", "preStop: {sleep: {}}"), changing("resize")), code: 403, message: "must not change"},
		{name: "a change by ephemeral containers", body: review(admissionv1.Update, "default", with("bookend", "preStop: {sleep: {}}"), changing("ephemeralcontainers")), code: 403, message: "must not change"},
		{name: "no change", body: review(admissionv1.Update, "default", with("bookend", "preStop: null"), changing("status"))},
		{name: "a binding", body: review(admissionv1.Create, "default", with("bookend", "preStop: null"), func(r *admissionv1.AdmissionRequest) {
			r.SubResource, r.Kind.Kind = "binding", "Binding"
		}), code: 403, message: "must not be in a Binding"},
		{name: "an eviction", body: review(admissionv1.Create, "default", `{}`, func(r *admissionv1.AdmissionRequest) {
			r.SubResource, r.Kind.Group, r.Kind.Kind = "eviction", "policy", "Eviction"
		})},
		{name: "another group's pod", body: review(admissionv1.Create, "shop", hooked, func(r *admissionv1.AdmissionRequest) { r.Kind.Group = "example.com" })},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := send(c, s.url, test.body)
			if err != nil {
				t.Fatal(err)
			}
			if r.UID != "4f" || r.Allowed != (test.code == 0) || !strings.Contains(string(r.Patch), test.patch) || test.patch == "" && len(r.Patch) > 0 {
				t.Errorf("uid %s, allowed %t, patch %s", r.UID, r.Allowed, r.Patch)
			}
			if test.code != 0 && (r.Result.Code != test.code || !strings.Contains(r.Result.Message, test.message)) {
				t.Errorf("refused with %d: %s", r.Result.Code, r.Result.Message)
			}
			if got := strings.Join(r.Warnings, "\n"); !strings.Contains(got, test.warning) || test.warning == "" && got != "" {
				t.Errorf("warned of %q", got)
			}
		})
	}
}

func TestADryRunIsLikeAnyOther(t *testing.T) {
	h, yes := newHandler(t), true
	ask := func(dry *bool) *admissionv1.AdmissionResponse {
		var all admissionv1.AdmissionReview
		if err := json.Unmarshal(review(admissionv1.Create, "shop", hooked, func(r *admissionv1.AdmissionRequest) { r.DryRun = dry }), &all); err != nil {
			t.Fatal(err)
		}
		response := h.Handle(t.Context(), ctrl.Request{AdmissionRequest: *all.Request})
		if err := response.Complete(ctrl.Request{AdmissionRequest: *all.Request}); err != nil {
			t.Fatal(err)
		}
		return &response.AdmissionResponse
	}
	if dry, wet := ask(&yes), ask(nil); len(dry.Patch) == 0 || !reflect.DeepEqual(dry, wet) {
		t.Errorf("answered %+v to a dry run, %+v else", dry, wet)
	}
}

func TestWhatIsNoReview(t *testing.T) {
	a := newAuthority(t)
	s, c := start(t, newHandler(t), fixed(t, a), nil), a.client()
	for name, body := range map[string]string{"nothing": "", "no JSON": "{", "another kind": `{"apiVersion": "v1", "kind": "Pod"}`} {
		r, err := send(c, s.url, []byte(body))
		if err == nil && r.Allowed {
			t.Errorf("%s was allowed", name)
		}
	}
	answer, err := c.Get(s.url + Path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %s", answer.Status)
	}
}

// status of a probe.
func status(t *testing.T, c *http.Client, url string) (code int, text string) {
	t.Helper()
	answer, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(data)
}

func TestProbes(t *testing.T) {
	a := newAuthority(t)
	var ready error
	s, c := start(t, newHandler(t), fixed(t, a), func() error { return ready }), a.client()
	if code, _ := status(t, c, s.url+"/readyz"); code != http.StatusOK {
		t.Errorf("readyz: %d", code)
	}
	ready = errors.New("the namespaces are not known yet")
	if code, text := status(t, c, s.url+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "namespaces") {
		t.Errorf("readyz: %d %s", code, text)
	}
	if code, _ := status(t, c, s.url+"/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d", code)
	}
}

// A rotation under requests, each of which is a connection of its own.
func TestFilesAreReadAgainUnderRequests(t *testing.T) {
	a, directory := newAuthority(t), t.TempDir()
	a.write(t, directory)
	files, err := ReadFiles(directory)
	if err != nil {
		t.Fatal(err)
	}
	files.watcher.WithWatchInterval(50 * time.Millisecond)
	ctx, stop := context.WithCancel(context.Background())
	watched := make(chan error, 1)
	go func() { watched <- files.Run(ctx) }()
	s, c := start(t, newHandler(t), files.GetCertificate, nil), a.client()
	body := review(admissionv1.Create, "shop", hooked, nil)

	var clients sync.WaitGroup
	done := make(chan struct{})
	sent := make([]int, 3)
	for i := range sent {
		clients.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if r, err := send(c, s.url, body); err != nil || !r.Allowed {
					t.Errorf("a request failed: %v", err)
					return
				}
				sent[i]++
			}
		})
	}
	for range 3 {
		cert := a.write(t, directory)
		deadline := time.Now().Add(time.Minute)
		for {
			conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), a.client().Transport.(*http.Transport).TLSClientConfig)
			if err != nil {
				t.Fatal(err)
			}
			serves := conn.ConnectionState().PeerCertificates[0].Equal(cert)
			_ = conn.Close()
			if serves {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the new certificate is never served")
			}
		}
	}
	close(done)
	clients.Wait()
	for i, n := range sent {
		if n == 0 {
			t.Errorf("client %d sent nothing", i)
		}
	}
	stop()
	if err := <-watched; err != nil {
		t.Error(err)
	}
}

// An API server goes on to send requests to an address until it has heard that it is
// no endpoint any more.
func TestAnEndingServerLingers(t *testing.T) {
	a, begun, over := newAuthority(t), make(chan struct{}), make(chan time.Time)
	s := startWith(t, Options{Handler: newHandler(t), Certificate: fixed(t, a), Linger: func() <-chan time.Time {
		close(begun)
		return over
	}})
	linger := sync.OnceFunc(func() { close(over) })
	defer linger()
	s.stop()
	<-begun
	if code, text := status(t, a.client(), s.url+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "ends") {
		t.Errorf("readyz: %d %s", code, text)
	}
	if r, err := send(a.client(), s.url, review(admissionv1.Create, "shop", hooked, nil)); err != nil || len(r.Patch) == 0 {
		t.Errorf("answered %+v, %v", r, err)
	}
	linger()
	if err := s.end(); err != nil {
		t.Error(err)
	}
	if _, err := send(a.client(), s.url, review(admissionv1.Create, "shop", hooked, nil)); err == nil {
		t.Error("takes new requests after its end")
	}
}

// held is a handler that waits.
type held struct {
	ctrl.Handler
	entered, release chan struct{}
}

func (h *held) Handle(ctx context.Context, r ctrl.Request) ctrl.Response {
	close(h.entered)
	<-h.release
	return h.Handler.Handle(ctx, r)
}

func TestAnEndWaitsForWhatRuns(t *testing.T) {
	a := newAuthority(t)
	h := &held{Handler: newHandler(t), entered: make(chan struct{}), release: make(chan struct{})}
	s := start(t, h, fixed(t, a), nil)
	answered := make(chan error, 1)
	go func() {
		r, err := send(a.client(), s.url, review(admissionv1.Create, "shop", hooked, nil))
		if err == nil && len(r.Patch) == 0 {
			err = errors.New("without a patch")
		}
		answered <- err
	}()
	<-h.entered
	s.stop()
	for { // until it takes no new connection
		conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	select {
	case <-s.done:
		t.Errorf("ended before its request had: %v", s.err)
	case err := <-answered:
		t.Errorf("answered before the handler had: %v", err)
		answered <- err
	default:
	}
	close(h.release)
	if err := <-answered; err != nil {
		t.Errorf("the request that ran: %v", err)
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
}
