package look

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	x509request "k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/client-go/tools/cache"

	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
)

// Where the API server says by which certificate and in which headers it hands a
// caller's identity on.
const (
	authenticationConfigMap    = "extension-apiserver-authentication"
	requestHeaderClientCA      = "requestheader-client-ca-file"
	requestHeaderAllowedNames  = "requestheader-allowed-names"
	requestHeaderUsernames     = "requestheader-username-headers"
	requestHeaderUIDs          = "requestheader-uid-headers"
	requestHeaderGroups        = "requestheader-group-headers"
	requestHeaderExtraPrefixes = "requestheader-extra-headers-prefix"
)

// frontProxy knows the API server, which has authenticated the caller.
type frontProxy struct {
	log   *slog.Logger
	maps  cache.Controller
	known atomic.Pointer[verifier] // nil: the ConfigMap was not read yet
}

// verifier believes the headers of requests with a certificate, as one version of the
// ConfigMap says: the certificate's authority, its names and the headers' all come from
// that, in one step.
type verifier struct{ authenticator.Request }

func newFrontProxy(client *kubeclient.Client, log *slog.Logger) *frontProxy {
	p := &frontProxy{log: log}
	named := fields.OneTermEqualSelector(metav1.ObjectNameField, authenticationConfigMap).String()
	maps := client.ConfigMaps(metav1.NamespaceSystem)
	read := func(o any) {
		if m, ok := o.(*corev1.ConfigMap); ok {
			p.read(m)
		}
	}
	_, p.maps = cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				o.FieldSelector = named
				return maps.List(ctx, o)
			},
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				o.FieldSelector = named
				return maps.Watch(ctx, o)
			},
		},
		ObjectType: &corev1.ConfigMap{},
		Handler:    cache.ResourceEventHandlerFuncs{AddFunc: read, UpdateFunc: func(_, o any) { read(o) }},
	})
	return p
}

// run follows the ConfigMap until ctx ends.
func (p *frontProxy) run(ctx context.Context) { p.maps.RunWithContext(ctx) }

// read takes what the ConfigMap says. One that says no one or nothing to believe leaves
// what was known.
func (p *frontProxy) read(m *corev1.ConfigMap) {
	v, err := newVerifier(m.Data)
	if err != nil {
		p.log.Warn("whom request headers come from is not read", "configmap", m.Namespace+"/"+m.Name, "error", err)
		return
	}
	p.known.Store(v)
}

func newVerifier(data map[string]string) (*verifier, error) {
	options := x509request.DefaultVerifyOptions()
	options.Roots = x509.NewCertPool()
	if !options.Roots.AppendCertsFromPEM([]byte(data[requestHeaderClientCA])) {
		return nil, fmt.Errorf("%s: %w", requestHeaderClientCA, errCertificates)
	}
	var names []string
	var headers userHeaders
	for key, to := range map[string]*[]string{
		requestHeaderAllowedNames: &names, requestHeaderUsernames: &headers.users, requestHeaderUIDs: &headers.uids,
		requestHeaderGroups: &headers.groups, requestHeaderExtraPrefixes: &headers.extraPrefixes,
	} {
		var err error
		if *to, err = listOf(data[key]); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if len(headers.users) == 0 {
		return nil, fmt.Errorf("%s: %w", requestHeaderUsernames, errNoHeader)
	}
	return &verifier{x509request.NewVerifier(options, headers, sets.NewString(names...))}, nil
}

// listOf reads a list of names, in JSON; empty: there are none.
func listOf(text string) (names []string, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.TrimSpace(name) == "" {
			return nil, errors.New("must not have an empty name")
		}
	}
	return names, nil
}

// AuthenticateRequest implements [authenticator.Request].
func (p *frontProxy) AuthenticateRequest(r *http.Request) (*authenticator.Response, bool, error) {
	known := p.known.Load()
	if known == nil {
		return nil, false, errNotReady
	}
	return known.AuthenticateRequest(r)
}

// ready tells whether the API server can be known.
func (p *frontProxy) ready() error {
	if p.known.Load() == nil {
		return errNotReady
	}
	return nil
}

// isFrontProxy tells whether a request comes with a certificate at all: its
// headers are then the API server's, or nobody's.
func isFrontProxy(r *http.Request) bool { return r.TLS != nil && len(r.TLS.PeerCertificates) > 0 }
