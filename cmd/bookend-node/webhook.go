package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// webhookProgram is the webhook's, in the directory of this one.
const webhookProgram = "bookend-webhook"

// newWebhook becomes the webhook's program, which has the flags and tells of them: its
// libraries are not to be in the agent's process.
func newWebhook() *cobra.Command {
	return &cobra.Command{
		Use:                "webhook",
		Short:              "Serve the mutating admission webhook",
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			program := filepath.Join(filepath.Dir(self), webhookProgram)
			return fmt.Errorf("%s: %w", program, unix.Exec(program, append([]string{program}, args...), os.Environ()))
		},
	}
}
