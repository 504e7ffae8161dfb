package cli

import (
	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/interrupt"
)

// finishing lets a command that changes several files come to its own end after
// the first signal.
func finishing(cmd *cobra.Command) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, stop := interrupt.Context(cmd.Context())
		defer stop()
		cmd.SetContext(ctx)
		return run(cmd, args)
	}
	return cmd
}
