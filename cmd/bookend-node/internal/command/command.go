// Package command runs the command line of a program.
package command

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/interrupt"
)

// Execute runs the command line args, without the program's name, and returns its
// exit code: 1 for whatever failed, as a container's restart policy asks no more. The
// first SIGINT or SIGTERM ends its context.
func Execute(ctx context.Context, root *cobra.Command, args []string, out, errs io.Writer) int {
	ctx, stop := interrupt.Context(ctx)
	defer stop()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(errs, "%s: %v\n", root.CommandPath(), err)
		return 1
	}
	return 0
}
