package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"bookend.dev/bookend/cmd/bookend-node/internal/admission"
	"bookend.dev/bookend/cmd/bookend-node/internal/selfsigned"
	"bookend.dev/bookend/cmd/bookend-node/internal/webhook"
	"bookend.dev/bookend/hooks"
	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	psa "k8s.io/pod-security-admission/api"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// webhookFlags are those of the webhook command.
type webhookFlags struct {
	listen, kubeconfig                                string
	classes                                           []string
	nodeConfig, enforce                               string
	certificates                                      string
	namespace, service, secret, webhookConfigurations string

	api apiFlags
}

func newWebhook() *cobra.Command {
	var f webhookFlags
	cmd := &cobra.Command{
		Use:         "webhook",
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "bookend-node webhook"},
		Short:       "Serve the mutating admission webhook",
		Long: `webhook answers the API server's AdmissionReviews about pods at ` + webhook.Path + `: it moves the
lifecycle of containers into bookend's annotations, for pods whose runtimeClassName is one
of --runtime-class, and in namespaces with the label ` + admission.NamespaceLabel + `=` + admission.NamespaceEnabled + `. It refuses what
a node would refuse. /healthz and /readyz are on the same port.

The certificate is that of --certificates, a directory with tls.crt and tls.key, which are
read again when they change. Without it the replicas keep certificates of their own in
--secret, renew them, and write their authority into --webhook-configuration. With
--api-service they do the same for the agents' API.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", ":9443", "address to listen on")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "file that leads to the API server (default: that of the pod)")
	flags.StringSliceVar(&f.classes, "runtime-class", []string{admission.DefaultClass}, "runtime classes that run bookend; labelled namespaces get the first")
	flags.StringVar(&f.nodeConfig, "node-config", "", "the nodes' configuration, whose policy is applied (default: bookend's defaults)")
	flags.StringVar(&f.enforce, "pod-security-enforce", "privileged:latest", "level of Pod Security, and version, in namespaces without labels of it")
	flags.StringVar(&f.certificates, "certificates", "", "directory with tls.crt and tls.key (default: self-signed)")
	flags.StringVar(&f.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "self-signed: the webhook's namespace")
	flags.StringVar(&f.service, "service", "bookend-webhook", "self-signed: the webhook's Service")
	flags.StringVar(&f.secret, "secret", "bookend-webhook-certificates", "self-signed: the Secret that is kept")
	flags.StringVar(&f.webhookConfigurations, "webhook-configuration", "bookend", "self-signed: the MutatingWebhookConfiguration that is told the authority")
	f.api.add(flags)
	return cmd
}

var errNoNamespace = errors.New("--namespace or POD_NAMESPACE is needed for a self-signed certificate")

// certificates are where the server's come from.
type certificates interface {
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Run(ctx context.Context) error
}

func (f *webhookFlags) run(ctx context.Context) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	log.SetLogger(logr.FromSlogHandler(logger.Handler()))
	klog.SetSlogLogger(logger)
	admitter, err := f.admitter()
	if err != nil {
		return err
	}
	config, err := f.cluster()
	if err != nil {
		return err
	}
	certs, err := f.certificateSource(config, logger)
	if err != nil {
		return err
	}
	agents, err := f.api.certificates(config, f.namespace, logger)
	if err != nil {
		return err
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	all, ctx := errgroup.WithContext(ctx)
	namespaces, err := webhook.Watch(ctx, client)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := webhook.New(webhook.Options{
		Handler:     &webhook.Handler{Admitter: admitter, Namespaces: namespaces},
		Certificate: certs.GetCertificate, Ready: namespaces.Ready, Log: logger,
		Linger: func() <-chan time.Time { return time.After(webhook.Linger) },
	})
	all.Go(func() error { return certs.Run(ctx) })
	if agents != nil {
		all.Go(func() error { return agents.Run(ctx) })
	}
	all.Go(func() error { return server.Run(ctx, listener) })
	err = all.Wait()
	namespaces.Wait()
	return err
}

func (f *webhookFlags) admitter() (*admission.Admitter, error) {
	o := admission.Options{Classes: f.classes}
	level, version, _ := strings.Cut(f.enforce, ":")
	var errLevel, errVersion error
	o.PodSecurity.Enforce.Level, errLevel = psa.ParseLevel(level)
	o.PodSecurity.Enforce.Version = psa.LatestVersion()
	if version != "" {
		o.PodSecurity.Enforce.Version, errVersion = psa.ParseVersion(version)
	}
	if err := errors.Join(errLevel, errVersion); err != nil {
		return nil, fmt.Errorf("--pod-security-enforce: %w", err)
	}
	if f.nodeConfig != "" {
		var err error
		if o.Config, _, err = (hooks.ConfigFile{Path: f.nodeConfig, Named: true}).Load(); err != nil {
			return nil, err
		}
	}
	return admission.New(o)
}

// cluster is how the API server is reached.
func (f *webhookFlags) cluster() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	return rest.AddUserAgent(config, "bookend-webhook/"+version), nil
}

func (f *webhookFlags) certificateSource(config *rest.Config, logger *slog.Logger) (certificates, error) {
	if f.certificates != "" {
		return webhook.ReadFiles(f.certificates)
	}
	if f.namespace == "" {
		return nil, errNoNamespace
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return selfsigned.New(selfsigned.Options{
		Client: client, Namespace: f.namespace, Secret: f.secret,
		Names:   []string{f.service + "." + f.namespace + ".svc"},
		Targets: []selfsigned.Target{selfsigned.MutatingWebhooks{Client: client, Name: f.webhookConfigurations}},
		Log:     logger,
	}), nil
}
