package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/bookend/internal/doctor"
	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/install"
	"bookend.dev/bookend/hooks"
)

func newDoctor() *cobra.Command {
	opts := doctor.Options{Version: Version}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check whether hooks will run on this node, and say how to fix what is wrong",
		Long: `doctor checks containerd's process and configuration, bookend's binaries, runc, and
what the node gives them. It changes nothing. Run it as root, after install and
after every restart of containerd with a new configuration.

A failed check means that hooks do not run, or not as they should. A warning means
that they run with a limit, or that doctor cannot tell. doctor exits with 3 if a
check failed.

Give --bin-dir and --lib-dir the values that you gave install: doctor checks these
directories, and its advice names them.`,
		Example: `  bookend doctor
  bookend doctor -o json | jq '.[] | select(.status != "pass")'`,
		Args: usage(cobra.NoArgs),
	}
	runtimeNameFlag(cmd, &opts.RuntimeName)
	f := cmd.Flags()
	f.StringVar(&opts.BinDir, "bin-dir", "", "directory of the installation's links (default that of the runtime's shim, else "+install.DefaultBinDir+")")
	f.StringVar(&opts.LibDir, "lib-dir", "", "directory of the installation's binaries (default \"../lib/bookend\" beside --bin-dir)")
	var of target
	of.flags(cmd)
	f.StringVar(&opts.NodeConfig, "config", "", "bookend's configuration (default the one that shims read: $"+hooks.ConfigEnv+" of containerd, else "+hooks.ConfigPath+")")
	output := command.OutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := absolute(&opts.BinDir, &opts.LibDir); err != nil {
			return err
		}
		err := of.choose(cmd.Context())
		if err != nil && !errors.Is(err, errSeveral) {
			return err
		}
		opts.Several = err
		opts.Address, opts.Containerd, opts.ContainerdConfig = containerdSocket(of.address, of.Socket), of.binary, of.config
		opts.Distribution, opts.Found = of.Preset, of.found
		opts.DistributionNamed = of.name != ""
		results := doctor.Examine(doctor.Gather(cmd.Context(), opts))
		err = printResults(cmd.OutOrStdout(), *output, results)
		if err == nil && doctor.Failed(results) {
			err = errFound
		}
		return err
	}
	return cmd
}

func printResults(w io.Writer, as command.Format, results []doctor.Result) error {
	if as == command.AsJSON {
		return command.JSON(w, results)
	}
	rows := make([][]string, len(results))
	for i, r := range results {
		rows[i] = []string{r.Check, string(r.Status), r.Found}
	}
	if err := command.Table(w, []string{"CHECK", "RESULT", "FOUND"}, rows); err != nil {
		return err
	}
	printFixes(w, results)
	return nil
}

// printFixes prints what to do, once where several checks ask for it.
func printFixes(w io.Writer, results []doctor.Result) {
	checks := map[string][]string{}
	for _, r := range results {
		if r.Fix != "" {
			checks[r.Fix] = append(checks[r.Fix], r.Check)
		}
	}
	if len(checks) > 0 {
		fmt.Fprintln(w, "\nTo fix:")
	}
	for _, r := range results {
		if names := checks[r.Fix]; names != nil {
			fmt.Fprintf(w, "  %s: %s\n", strings.Join(names, ", "), r.Fix)
			delete(checks, r.Fix)
		}
	}
}
