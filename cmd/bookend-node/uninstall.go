package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/metadata"

	"bookend.dev/bookend/cmd/bookend-node/internal/command"
	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
	"bookend.dev/bookend/cmd/bookend-node/internal/nodeinstall"
)

func newUninstall() *cobra.Command {
	var (
		o       agentOptions
		u       nodeinstall.Uninstall
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Have the agents of all nodes remove bookend, and wait until they have",
		Long: `uninstall asks every agent, by the annotation ` + nodeinstall.AnnotationUninstall + ` of their DaemonSet,
to undo what it installed on its node, and waits until no node has the label ` + nodeinstall.NodeLabel + `
or the condition ` + string(nodeinstall.Condition) + ` any more. Helm runs it before it deletes anything.

A node on which pods run on bookend follows when the last of them has ended. After
--timeout uninstall fails with exit code 3, and names the nodes that are left and why; they
go on, and it can be run again. To take the request back, remove the annotation.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := context.WithTimeout(cmd.Context(), timeout)
			defer stop()
			if u.Namespace == "" {
				return errors.New("the agents' namespace is unknown: set --namespace or POD_NAMESPACE")
			}
			config, err := apiConfig(o)
			if err != nil {
				return fmt.Errorf("API server: %w", err)
			}
			api, errAPI := kubeclient.New(config)
			meta, errMeta := metadata.NewForConfig(config)
			if err := errors.Join(errAPI, errMeta); err != nil {
				return fmt.Errorf("API server: %w", err)
			}
			u.Nodes, u.Metadata = api, meta
			u.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			err = u.Run(ctx)
			// Told to stop, it has not waited: whoever runs it may try again.
			if errors.Is(err, nodeinstall.ErrRemain) && cmd.Context().Err() == nil {
				err = &command.Found{Err: err}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "how to reach the API server (default: as this pod)")
	f.StringVar(&u.Namespace, "namespace", os.Getenv("POD_NAMESPACE"), "the agents' namespace (default $POD_NAMESPACE)")
	f.StringVar(&u.DaemonSet, "daemonset", "bookend-agent", "the agents' DaemonSet")
	f.DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait for the nodes")
	return cmd
}
