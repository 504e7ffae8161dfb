package main

import (
	"context"
	"errors"
	"fmt"
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

// agent is what runs on a node.
type agent struct {
	parts  []part
	checks []func() error
}

func (a *agent) add(p part) { a.parts = append(a.parts, p) }

// await has the agent not be ready while check says why what is named is not.
func (a *agent) await(name string, check func() error) {
	a.checks = append(a.checks, func() error {
		if err := check(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

// ready returns why the agent does not do all its work yet, a line for each reason.
// All parts have to be there before it is called.
func (a *agent) ready() error {
	var all []error
	for _, check := range a.checks {
		all = append(all, check())
	}
	return errors.Join(all...)
}

func (a *agent) run(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, p := range a.parts {
		all.Go(func() error { return p(ctx) })
	}
	return all.Wait()
}

// runAgent runs all parts until ctx is done.
func runAgent(ctx context.Context, o agentOptions, log *slog.Logger) error {
	if o.node == "" {
		return errors.New("the name of this node is unknown: set --node-name or NODE_NAME")
	}
	boundMemory()
	var a agent
	a.add(trimming(func(err error) { log.Warn(err.Error()) }))
	if err := a.addHooks(ctx, o, log); err != nil {
		return err
	}
	if o.look.Listen != "" {
		if err := a.addLook(o, log); err != nil {
			return err
		}
	}
	if o.install.on {
		p, err := installPart(o, log)
		if err != nil {
			return err
		}
		a.add(p)
	}
	log.Info("the agent runs", "version", version, "node", o.node)
	return a.run(ctx)
}
