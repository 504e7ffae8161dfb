package cli

import (
	"cmp"
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/install"
	"bookend.dev/bookend/cmd/internal/report"
)

// reporting is how a program runs install and uninstall: that of another root, which
// is the node's, with a document in place of words. Its flags are hidden, for only
// bookend-node uses them.
type reporting struct {
	root string // empty: this process's own
	json bool
}

func (r *reporting) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.root, "root", "", "root directory of the node, if it is not this process's")
	f.BoolVar(&r.json, "report", false, "print one JSON document for a program")
	for _, name := range []string{"root", "report"} {
		_ = f.MarkHidden(name)
	}
}

// enter makes the node's root this process's. Then every path and every symbolic link
// leads to where it does on the node, and nothing else has to know of two roots.
func (r *reporting) enter() error {
	if r.root == "" {
		return nil
	}
	if err := unix.Chroot(r.root); err != nil {
		return &os.PathError{Op: "chroot", Path: r.root, Err: err}
	}
	return os.Chdir("/")
}

// enterWith opens the new binaries, and enters.
func (r *reporting) enterWith(ctx context.Context, opts *install.Options) (err error) {
	if r.root == "" {
		return nil
	}
	if opts.Opened, err = install.OpenSet(ctx, opts.From); err != nil {
		return err
	}
	return r.enter()
}

// directories are those that the node's root has, whatever this command is part of.
func (r *reporting) directories(d *directories) error {
	if r.root != "" {
		d.bin = cmp.Or(d.bin, install.DefaultBinDir)
	}
	return d.resolve()
}

// print prints what was planned, and carries it out by do unless it is a dry run.
func (r *reporting) print(cmd *cobra.Command, rep report.Report, plan *install.Plan, err error, do func() error, dryRun bool) error {
	if err == nil {
		rep.Set, rep.Changed, rep.Restart, rep.Todo = plan.Set, !plan.Empty(), plan.Restart, plan.Todo
		if !dryRun {
			err = do()
		}
		rep.Notes = plan.Notes
	}
	switch {
	case errors.Is(err, install.ErrNotInstalled):
		rep.Problem = report.NotInstalled
	case errors.Is(err, install.ErrInUse):
		rep.Problem = report.InUse
	}
	if err != nil {
		rep.Error = err.Error()
	}
	if printErr := command.JSONLine(cmd.OutOrStdout(), rep); printErr != nil {
		return printErr
	}
	switch {
	case err != nil:
		return err
	case rep.Todo != "":
		return errFound
	}
	return nil
}

// report is what is known of a node before anything is planned.
func (t *target) report(d *daemon.Daemon, opts install.Options) report.Report {
	rep := report.Report{Distribution: t.Name, Unit: t.Unit(t.root)}
	if d == nil {
		return rep
	}
	rep.Unit = cmp.Or(d.Unit, rep.Unit)
	rep.Containerd = &report.Containerd{Version: d.Version.String(), Started: d.Started}
	if d.CRIErr != nil {
		rep.Containerd.CRI = d.CRIErr.Error()
	}
	rep.Containerd.Loaded = opts.Loaded(d.Handlers[opts.RuntimeName].Path)
	return rep
}
