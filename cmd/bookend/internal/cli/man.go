package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:   "man [DIR]",
		Short: "Write the manual pages into a directory, or print the first one",
		Long: `man writes the manual page of every command to DIR, and creates DIR if needed.
Without DIR it prints the page of bookend itself.`,
		Example: `  bookend man /usr/local/share/man/man1
  bookend man | man -l -`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := doc.GenManHeader{Title: "BOOKEND", Section: "1", Source: "bookend " + Version, Manual: "bookend"}
			if len(args) == 0 {
				return doc.GenMan(root, &header, cmd.OutOrStdout())
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			header.Title = "" // that of each command
			if err := doc.GenManTree(root, &header, args[0]); err != nil {
				return fmt.Errorf("manual pages: %w", err)
			}
			return nil
		},
	}
}
