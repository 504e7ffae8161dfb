package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// version is bookend's, set when it is built.
var version = "0.1.0-dev"

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this command",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "bookend-node %s (%s)\n", version, runtime.Version())
			return err
		},
	}
}
