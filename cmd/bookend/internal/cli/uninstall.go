package cli

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/install"
	"bookend.dev/bookend/cmd/internal/report"
)

func newUninstall() *cobra.Command {
	var (
		where         directories
		told          reporting
		dryRun, force bool
		configOnly    bool
	)
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Put everything back as it was before install",
		Long: `uninstall removes the binaries and the drop-in, and restores, byte for byte, what
install replaced. If someone has changed a file since, these changes stay:
uninstall takes out only the line that bookend wrote, or keeps the file under
another name, or leaves it alone. It says which, and where it keeps what it has not
restored. The configuration in /etc/bookend and the records of hooks stay.

uninstall refuses while shims of this installation run. containerd needs their
binary to clean up after them, and gives up their containers if it restarts without.`,
		Example: `  bookend uninstall --dry-run
  bookend uninstall && systemctl restart containerd`,
		Args: usage(cobra.NoArgs),
	}
	where.flags(cmd)
	told.flags(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what would change, files as a unified diff, and change nothing")
	cmd.Flags().BoolVar(&force, "force", false, "uninstall although shims run")
	cmd.Flags().BoolVar(&configOnly, "configuration-only", false, "put containerd's configuration back alone, and leave the binaries to pods that run")
	_ = cmd.Flags().MarkHidden("configuration-only")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := told.directories(&where); err != nil {
			return err
		}
		undo := func() (*install.Plan, error) {
			if configOnly {
				return install.TakeBack(where.lib)
			}
			return install.Undo(where.lib, force)
		}
		if told.json {
			err := told.enter()
			var plan *install.Plan
			if err == nil {
				plan, err = undo()
			}
			return told.print(cmd, report.Report{}, plan, err, func() error { return plan.Revert() }, dryRun)
		}
		out := cmd.OutOrStdout()
		plan, err := undo()
		if err == nil {
			err = carryOut(out, plan, plan.Revert, dryRun)
		}
		if errors.Is(err, install.ErrInUse) {
			err = fmt.Errorf("%w: remove their pods and containers first, or use --force", err)
		}
		if err == nil && plan.Restart && !dryRun {
			usual, _ := daemon.Restart(nil, "", daemon.Usual{})
			fmt.Fprintf(out, "Restart containerd for its old configuration (%s).\n", cmp.Or(plan.HowToRestart(), usual))
		}
		return err
	}
	return cmd
}
