// Command bookend-node is what bookend runs in a Kubernetes cluster besides the
// shim: the agent of a node and the admission webhook. It is a module of its own,
// so that no library of Kubernetes can be linked into the shim.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs the command line args, without the program's name, and returns its
// exit code: 1 for whatever failed, as a container's restart policy asks no more.
func execute(ctx context.Context, args []string, out, errs io.Writer) int {
	ctx, stop := untilSignalled(ctx)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(errs, "bookend-node: %v\n", err)
		return 1
	}
	return 0
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "bookend-node",
		Short: "bookend in a Kubernetes cluster: the node's agent and the admission webhook",
		Long: `bookend-node runs in a Kubernetes cluster. Each subcommand is a process of its own:
the manifests in deploy/ start them.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
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
