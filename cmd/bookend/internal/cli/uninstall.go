package cli

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/install"
)

func newUninstall() *cobra.Command {
	var (
		where         directories
		dryRun, force bool
	)
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Put everything back as it was before install",
		Long: `uninstall removes the binaries and the drop-in, and puts back, byte for byte, what
install replaced. A file that somebody has changed since keeps those changes: only
the line that bookend wrote is taken out, or the file is kept under another name,
or left alone; it says which, and where it keeps what is not put back. The
configuration in /etc/bookend and the records of hooks stay.

It is refused while shims of this installation run. containerd needs their binary
to clean up after them, and gives up their containers when it restarts without.`,
		Example: `  bookend uninstall --dry-run
  bookend uninstall && systemctl restart containerd`,
		Args: usage(cobra.NoArgs),
	}
	where.flags(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what would change, files as a unified diff, and change nothing")
	cmd.Flags().BoolVar(&force, "force", false, "uninstall under running shims")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := where.resolve(); err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		plan, err := install.Undo(where.lib, force)
		if err == nil {
			err = carryOut(out, plan, plan.Revert, dryRun)
		}
		if errors.Is(err, install.ErrInUse) {
			err = fmt.Errorf("%w: remove their pods and containers first, or use --force", err)
		}
		if err == nil && plan.Restart && !dryRun {
			usual, _ := daemon.Restart(nil, "")
			fmt.Fprintf(out, "Restart containerd for its old configuration (%s).\n", cmp.Or(plan.HowToRestart(), usual))
		}
		return err
	}
	return cmd
}
