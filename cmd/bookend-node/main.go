// Command bookend-node is what bookend runs in a Kubernetes cluster besides the
// shim: the agent of a node and the admission webhook. It is a module of its own,
// so that no library of Kubernetes can be linked into the shim.
package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/bookend-node/internal/command"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs the command line args, without the program's name, and returns its
// exit code.
func execute(ctx context.Context, args []string, out, errs io.Writer) int {
	return command.Execute(ctx, newRoot(), args, out, errs)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "bookend-node",
		Short: "bookend in a Kubernetes cluster: the node's agent and the admission webhook",
		Long: `bookend-node runs in a Kubernetes cluster. Each subcommand is a process of its own:
the manifests in deploy/ start them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(commands()...)
	return root
}

// commands are all there are, in the order of the help.
func commands() []*cobra.Command {
	return []*cobra.Command{
		newAgent(),
		newUninstall(),
		newWebhook(),
		newVersion(),
	}
}
