package main

import (
	"fmt"
	"log/slog"

	"bookend.dev/bookend/cmd/bookend-node/internal/selfsigned"
	"github.com/spf13/pflag"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// apiFlags say for which API of the agents the webhook's replicas keep a
// certificate. Agents do not: one that could write it could pose as all others.
type apiFlags struct{ service, secret, agents string }

func (f *apiFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.service, "api-service", "", "APIService of the agents, such as v1alpha1.hooks.bookend.dev, which is told the authority of a self-signed certificate (default: they get none)")
	flags.StringVar(&f.secret, "api-secret", "bookend-agent-certificates", "Secret that their certificate is kept in")
	flags.StringVar(&f.agents, "api-agents", "bookend-agent", "Service of the agents, which the certificate is for")
}

// certificates keep the agents' certificate; nil: nothing does.
func (f *apiFlags) certificates(config *rest.Config, namespace string, logger *slog.Logger) (*selfsigned.Keeper, error) {
	if f.service == "" {
		return nil, nil
	}
	if namespace == "" {
		return nil, errNoNamespace
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	services, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return selfsigned.New(selfsigned.Options{
		Client: client, Namespace: namespace, Secret: f.secret,
		Names:   []string{f.agents + "." + namespace + ".svc"},
		Targets: []selfsigned.Target{selfsigned.APIService{Client: services, Name: f.service}},
		Log:     logger,
	}), nil
}
