// Package cli is the command line of bookend: one file for each command, which
// reads flags, calls the package that does the work, and prints the result.
//
// What people read goes to Out as a table or text; `-o json` prints the same
// for programs. Err has errors, and what convert has to say beside its result.
// See [ExitOK] for exit codes.
package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Version is bookend's version, set when it is built.
var Version = "0.1.0-dev"

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Execute runs the command line args, without the program's name, and returns
// its exit code.
func Execute(ctx context.Context, args []string, s Streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !isSilent(err) {
		fmt.Fprintf(s.Err, "bookend: %v\n", err)
	}
	code := exitCode(err)
	if code == ExitUsage {
		fmt.Fprintf(s.Err, "See %s --help\n", cmd.CommandPath())
	}
	return code
}

func newRoot(s Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "bookend",
		Short: "Container lifecycle hooks in the runtime itself",
		Long: `bookend checks and rewrites manifests with lifecycle hooks, shows what the hooks
of this node's containers do and did, and installs and checks the runtime.

Exit codes: 0 success; 1 failure; 2 wrong usage; 3 the command ran, and found
something wrong.`,
		Args:          usage(noSuchCommand),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(commands()...)
	return root
}

// commands are all there are, in the order of the help.
func commands() []*cobra.Command {
	return []*cobra.Command{
		newValidate(),
		newConvert(),
		finishing(newInstall()),
		finishing(newUninstall()),
		newDoctor(),
		newPS(),
		newLogs(),
		newHistory(),
		newEvents(),
		newConfig(),
		newVersion(),
		newCompletion(),
		newMan(),
	}
}
