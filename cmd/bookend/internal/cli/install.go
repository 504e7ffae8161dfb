package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/install"
	"bookend.dev/bookend/cmd/internal/program"
	"bookend.dev/bookend/cmd/internal/report"
)

func newInstall() *cobra.Command {
	var (
		where  directories
		to     target
		told   reporting
		opts   install.Options
		dryRun bool
		text   install.Text
	)
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Put the binaries in place and add the runtime to containerd's configuration",
		Long: `install copies the binaries (containerd-shim-bookend-v2, bookend-exec, bookend) to a
new directory below --lib-dir, links to them from --bin-dir, and adds the runtime to
containerd's configuration with a drop-in. The drop-in has the type and options of
your runc runtime, bookend's shim, and the annotations that containerd must hand
over.

containerd reads a drop-in only if its main file imports it. If it does not,
install prints what to add and exits with 3; with --edit-config it changes that one
line. Before containerd 2.0 a drop-in would replace other runtimes: there
--edit-config adds the runtime at the end of the main file. If there is no main
file, install writes one. It changes nothing else, and uninstall undoes all of it.

install knows where k3s, RKE2, k0s, MicroK8s, kind, Docker and EKS keep the
configuration of their containerd, and what to do on Talos and Bottlerocket. It
prints which of them it has found, and by what.

A second run does nothing, or upgrades. Running shims keep the binaries that they
were started from; --prune removes those that no shim uses. install never restarts
containerd: a changed configuration needs a restart, new binaries do not.

The binaries of a deb or rpm stay where the package has put them: install then
configures containerd only.

On a host with several containerds, --distribution or --address names the one to
configure. install fails where it finds several and none is named.

--print changes nothing: it prints what the runtime is in a drop-in, or in a
NodeConfig for nodeadm on EKS, with the options of the runc runtime in the main file.`,
		Example: `  bookend install --dry-run
  bookend install --edit-config && systemctl restart containerd && bookend doctor
  bookend install --from ./bin --prune
  bookend install --print nodeconfig`,
		Args: usage(cobra.NoArgs),
	}
	where.flags(cmd)
	to.flags(cmd)
	told.flags(cmd)
	runtimeNameFlag(cmd, &opts.RuntimeName)
	f := cmd.Flags()
	f.StringVar(&opts.From, "from", "", "directory of the new binaries (default that of this command)")
	f.BoolVar(&opts.EditConfig, "edit-config", false, "change a file of containerd's configuration that is there, if needed")
	f.BoolVar(&opts.BinariesOnly, "binaries-only", false, "leave containerd's configuration alone")
	f.BoolVar(&opts.Prune, "prune", false, "remove older binaries that no running shim uses")
	f.BoolVar(&dryRun, "dry-run", false, "print what would change, files as a unified diff, and change nothing")
	texts := []string{string(install.TextDropIn), string(install.TextNodeConfig)}
	command.ChoiceFlag(cmd, "print", "print what belongs into a configuration that other programs write, "+strings.Join(texts, " or ")+", and change nothing", texts,
		func(s string) { text = install.Text(s) })
	_ = cmd.MarkFlagDirname("from")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := errors.Join(checkRuntimeName(opts.RuntimeName), told.directories(&where), fromSelf(&opts)); err != nil {
			return err
		}
		opts.BinDir, opts.LibDir = where.bin, where.lib
		opts.InPlace = told.root == "" && opts.Packaged()
		to.any = opts.BinariesOnly && text == ""
		if told.json {
			return reportInstall(cmd, &told, &to, opts, dryRun)
		}
		d, version, versionErr, err := to.find(cmd.Context())
		if err != nil {
			return err
		}
		to.options(&opts, d, version, versionErr)
		if text != "" {
			return printText(cmd, opts, text)
		}
		fmt.Fprint(cmd.OutOrStdout(), to.say())
		plan, err := install.New(cmd.Context(), opts)
		if err != nil {
			return err
		}
		if note := tooOld(version, versionErr); note != "" {
			plan.Notes = append(plan.Notes, note)
		}
		return carryOutInstall(cmd.OutOrStdout(), plan, opts.Restart, dryRun)
	}
	return cmd
}

// options are what a target says of an installation.
func (t *target) options(opts *install.Options, d *daemon.Daemon, v program.Version, versionErr error) {
	opts.ContainerdConfig, opts.OldContainerd = t.config, oldContainerd(v, versionErr)
	opts.Merging, opts.Preset, opts.Restart = criconfig.MergingOf(v), t.Preset, t.restart(d)
}

// tooOld says that a containerd cannot start the shim; empty: it can, for all that is
// known.
func tooOld(v program.Version, err error) string {
	if err != nil || !v.Older(install.NeedMajor, install.NeedMinor) {
		return ""
	}
	return fmt.Sprintf("containerd %s cannot start this shim, which needs %d.%d or newer", v, install.NeedMajor, install.NeedMinor)
}

// reportInstall is the command for a program. A containerd that is too old is an error:
// no one reads a note before pods fail.
func reportInstall(cmd *cobra.Command, told *reporting, to *target, opts install.Options, dryRun bool) error {
	var rep report.Report
	plan, err := func() (*install.Plan, error) {
		if err := told.enterWith(cmd.Context(), &opts); err != nil {
			return nil, err
		}
		d, version, versionErr, err := to.find(cmd.Context())
		if err != nil {
			return nil, err
		}
		to.options(&opts, d, version, versionErr)
		rep = to.report(d, opts)
		if old := tooOld(version, versionErr); old != "" {
			return nil, errors.New(old)
		}
		return install.New(cmd.Context(), opts)
	}()
	return told.print(cmd, rep, plan, err, func() error { return plan.Apply() }, dryRun)
}

// fromSelf makes the path absolute; new binaries are those beside this one unless
// a flag says otherwise.
func fromSelf(opts *install.Options) error {
	if opts.From == "" {
		self, err := ownDir()
		if err != nil {
			return err
		}
		opts.From = self
	}
	return absolute(&opts.From)
}

// oldContainerd tells whether a drop-in may do harm. Where the version is not
// known, configurations of a version that only 2.0 and newer read tell as much.
func oldContainerd(v program.Version, err error) func(configVersion int) bool {
	return func(configVersion int) bool {
		if err != nil {
			return configVersion < 3
		}
		return v.Older(2, 0)
	}
}

// printText prints a text alone, to be piped; notes go elsewhere.
func printText(cmd *cobra.Command, opts install.Options, text install.Text) error {
	out, notes, err := install.Print(cmd.Context(), opts, text)
	for _, note := range notes {
		fmt.Fprintf(cmd.ErrOrStderr(), "Note: %s.\n", note)
	}
	if err == nil {
		_, err = cmd.OutOrStdout().Write(out)
	}
	return err
}

func carryOutInstall(w io.Writer, plan *install.Plan, restart string, dryRun bool) error {
	if plan.Empty() && plan.Todo == "" {
		fmt.Fprintf(w, "Nothing to change: %s is installed.\n", plan.Set)
	}
	if err := carryOut(w, plan, plan.Apply, dryRun); err != nil {
		return err
	}
	if plan.Todo != "" {
		fmt.Fprintf(w, "\nNot configured yet. %s\n%s\n", plan.Todo, cmp.Or(plan.Then, "Then restart containerd ("+restart+")."))
		return errFound
	}
	if plan.Restart && !dryRun {
		fmt.Fprintf(w, "Restart containerd for its new configuration (%s), then run bookend doctor.\n", restart)
	}
	return nil
}

// carryOut prints a plan, and calls do to carry it out unless it is a dry run.
func carryOut(w io.Writer, plan *install.Plan, do func() error, dryRun bool) error {
	fmt.Fprint(w, plan)
	if !dryRun {
		if err := do(); err != nil {
			return err
		}
	}
	for _, note := range plan.Notes {
		fmt.Fprintf(w, "Note: %s.\n", note)
	}
	if dryRun {
		fmt.Fprintln(w, "Dry run: nothing was changed.")
	}
	return nil
}
