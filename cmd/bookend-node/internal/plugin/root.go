package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/cmd/internal/terminal"
)

// Exit codes.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Streams are what a command prints on.
type Streams struct{ Out, Err io.Writer }

// Execute runs the command line args, without the program's name, and returns its
// exit code.
func Execute(ctx context.Context, version string, args []string, s Streams) int {
	root := newRoot(version)
	root.SetArgs(args)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitOK
	}
	fmt.Fprintf(s.Err, "error: %s\n", terminal.EscapeText(err.Error()))
	var wrong *usageError
	if errors.As(err, &wrong) {
		fmt.Fprintf(s.Err, "See '%s --help'.\n", cmd.CommandPath())
		return ExitUsage
	}
	return ExitFailed
}

func newRoot(version string) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-bookend",
		Short: "See what the lifecycle hooks of a pod do and did",
		Long: `kubectl bookend shows what the lifecycle hooks of a pod's containers do and did, where
bookend runs them. Whoever may read the pod's logs may read this.`,
		Version:       version,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl bookend"},
		Args:          func(cmd *cobra.Command, args []string) error { return usage(cobra.NoArgs(cmd, args)) },
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c := &client{genericclioptions.NewConfigFlags(true)}
	c.flags.AddFlags(root.PersistentFlags())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(newPS(c), newLogs(c), newHistory(c))
	for _, cmd := range root.Commands() {
		cmd.Args, cmd.ValidArgsFunction = onePod, c.completePods
	}
	return root
}

func usage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// note prints what is said beside the result.
func note(cmd *cobra.Command) func(string) {
	return func(text string) { cmd.PrintErrf("note: %s\n", terminal.Escape(text)) }
}

// tellNothing says why there may be nothing to show of a pod.
func tellNothing(cmd *cobra.Command, pod podArg, what string, about hooksapi.About) {
	class := "has no runtimeClassName"
	if about.RuntimeClassName != "" {
		class = "has the runtimeClassName " + about.RuntimeClassName
	}
	note(cmd)(fmt.Sprintf("node %s knows of no %s of pod %s. The pod %s: bookend runs hooks under its own RuntimeClass, of containers with an annotation or a default of the node",
		about.Node, what, pod.name, class))
}
