package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"bookend.dev/bookend/cmd/bookend-node/internal/look"
	"bookend.dev/bookend/hooks"
)

// agentOptions are the agent's flags.
type agentOptions struct {
	config, records, state, listen, kubeconfig, node string

	look    look.Flags
	install installFlags
}

func newAgent() *cobra.Command {
	var o agentOptions
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Tell Kubernetes and Prometheus what the hooks on this node do",
		Long: `agent runs on each node. It reads the records of the node's hooks and makes
Kubernetes Events of failures, metrics for Prometheus and, where
OTEL_EXPORTER_OTLP_ENDPOINT names a collector, spans. With --api-listen it serves the
API that kubectl bookend asks. It reads records alone, and
neither containerd nor any container.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			return runAgent(cmd.Context(), o, log)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "the node's configuration, which names the directory of the records (default $"+hooks.ConfigEnv+", else "+hooks.ConfigPath+")")
	f.StringVar(&o.records, "records", "", "directory of the records, in place of the configuration's")
	f.StringVar(&o.state, "state-dir", "/var/lib/bookend-node", "directory on a disk of the node, which says what was told")
	f.StringVar(&o.listen, "listen", ":9464", "address of /metrics, /healthz and /readyz")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "how to reach the API server (default: as this pod)")
	f.StringVar(&o.node, "node-name", os.Getenv("NODE_NAME"), "name of this node (default $NODE_NAME)")
	o.look.Add(f)
	o.install.add(f)
	return cmd
}

// part is a part of the agent. It runs until ctx is done; its error ends the agent.
type part func(ctx context.Context) error

// runAgent runs all parts until ctx is done.
func runAgent(ctx context.Context, o agentOptions, log *slog.Logger) error {
	if o.node == "" {
		return errors.New("the name of this node is unknown: set --node-name or NODE_NAME")
	}
	boundMemory()
	parts, err := hookParts(ctx, o, log)
	if err != nil {
		return err
	}
	if o.look.Listen != "" {
		p, err := lookPart(o, log)
		if err != nil {
			return err
		}
		parts = append(parts, p)
	}
	if o.install.on {
		p, err := installPart(o, log)
		if err != nil {
			return err
		}
		parts = append(parts, p)
	}
	all, ctx := errgroup.WithContext(ctx)
	for _, p := range parts {
		all.Go(func() error { return p(ctx) })
	}
	log.Info("the agent runs", "version", version, "node", o.node)
	return all.Wait()
}
