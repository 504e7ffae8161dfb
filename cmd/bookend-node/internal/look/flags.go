package look

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"

	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
	"bookend.dev/bookend/hooks/record"
)

// Flags are what an agent's command line says of the API.
type Flags struct {
	// Listen is the address; empty: the API is not served.
	Listen string

	namespace, service, port, serviceAccount, certDir, tokenFile string
}

// Add adds the flags to a command's.
func (f *Flags) Add(flags *pflag.FlagSet) {
	flags.StringVar(&f.Listen, "api-listen", "", "address of the API hooks.bookend.dev, such as :9443 (default: it is not served)")
	flags.StringVar(&f.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "namespace of the agents (default $POD_NAMESPACE)")
	flags.StringVar(&f.service, "api-service", "bookend-agent", "Service of the API, whose endpoints are the agents; their certificate is for NAME.NAMESPACE.svc")
	flags.StringVar(&f.port, "api-port", "api", "name of the Service's port")
	flags.StringVar(&f.serviceAccount, "api-service-account", "bookend-agent", "service account of the agents, by whose tokens they know each other")
	flags.StringVar(&f.certDir, "api-cert-dir", "/etc/bookend-node/api", "directory of tls.crt and tls.key, which the API is served with, and ca.crt, which agents know each other by")
	flags.StringVar(&f.tokenFile, "api-token", "/var/run/secrets/"+Audience+"/token", "token of the service account for the audience "+Audience)
}

// Listening begins to listen, and returns what serves the API until its context ends,
// and what says why it cannot be used yet. config leads to the API server.
func (f *Flags) Listening(config *rest.Config, records *record.Store, node string, log *slog.Logger) (serve func(context.Context) error, ready func() error, err error) {
	client, err := kubeclient.New(config)
	if err != nil {
		return nil, nil, fmt.Errorf("API server: %w", err)
	}
	s := New(Options{
		Client: client, Records: records, Node: node, Namespace: f.namespace, Service: f.service, Port: f.port,
		ServiceAccount: f.serviceAccount, CertDir: f.certDir, TokenFile: f.tokenFile, Log: log,
	})
	l, err := net.Listen("tcp", f.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("the API hooks.bookend.dev: %w", err)
	}
	log.Info("the API hooks.bookend.dev is served", "address", l.Addr().String())
	return func(ctx context.Context) error { return s.Serve(ctx, l) }, s.Ready, nil
}
