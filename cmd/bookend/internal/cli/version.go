package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/command"
)

func newVersion() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this command",
		Args:  usage(cobra.NoArgs),
	}
	output := command.OutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v := struct {
			Version string `json:"version"`
			Go      string `json:"go"`
		}{Version, runtime.Version()}
		if *output == command.AsJSON {
			return command.JSON(cmd.OutOrStdout(), v)
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "bookend %s (%s)\n", v.Version, v.Go)
		return err
	}
	return cmd
}
