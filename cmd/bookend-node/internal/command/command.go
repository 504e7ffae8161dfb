// Package command runs the command line of a program.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/interrupt"
)

// ExitFound is the exit code of [Found]: the command ran, and to run it again at once
// would find the same.
const ExitFound = 3

// Found is the error of a command that has done its work, and found something wrong.
type Found struct{ Err error }

func (f *Found) Error() string { return f.Err.Error() }

// Unwrap returns what was found.
func (f *Found) Unwrap() error { return f.Err }

// Execute runs the command line args, without the program's name, and returns its
// exit code: [ExitFound], or 1 for whatever else failed. The first SIGINT or SIGTERM ends
// its context.
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
		if errors.As(err, new(*Found)) {
			return ExitFound
		}
		return 1
	}
	return 0
}
