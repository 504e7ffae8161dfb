package look

import (
	"context"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/kubernetes"
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
	headers *headerrequest.RequestHeaderAuthRequestController
	ca      *dynamiccertificates.ConfigMapCAController
	authenticator.Request
}

func newFrontProxy(client kubernetes.Interface) (*frontProxy, error) {
	headers := headerrequest.NewRequestHeaderAuthRequestController(authenticationConfigMap, metav1.NamespaceSystem, client,
		requestHeaderUsernames, requestHeaderUIDs, requestHeaderGroups, requestHeaderExtraPrefixes, requestHeaderAllowedNames)
	ca, err := dynamiccertificates.NewDynamicCAFromConfigMapController("request-header", metav1.NamespaceSystem, authenticationConfigMap, requestHeaderClientCA, client)
	if err != nil {
		return nil, err
	}
	of := func(f headerrequest.StringSliceProviderFunc) headerrequest.StringSliceProvider { return f }
	return &frontProxy{
		headers: headers,
		ca:      ca,
		Request: headerrequest.NewDynamicVerifyOptionsSecure(ca.VerifyOptions, of(headers.AllowedClientNames),
			of(headers.UsernameHeaders), of(headers.UIDHeaders), of(headers.GroupHeaders), of(headers.ExtraHeaderPrefixes)),
	}, nil
}

// run follows the ConfigMap until ctx ends. The names of headers and clients come
// from one object, in one step: until they are there, no header is a user's.
func (p *frontProxy) run(ctx context.Context) {
	go p.headers.Run(ctx, 1)
	p.ca.Run(ctx, 1)
}

// ready tells whether the API server can be known.
func (p *frontProxy) ready() error {
	if _, ok := p.ca.VerifyOptions(); !ok || len(p.headers.UsernameHeaders()) == 0 {
		return errNotReady
	}
	return nil
}

// isFrontProxy tells whether a request comes with a certificate at all: its
// headers are then the API server's, or nobody's.
func isFrontProxy(r *http.Request) bool { return r.TLS != nil && len(r.TLS.PeerCertificates) > 0 }
