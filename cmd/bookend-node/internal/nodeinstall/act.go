package nodeinstall

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"

	"bookend.dev/bookend/cmd/internal/report"
)

func (in *Installer) do(ctx context.Context, n *corev1.Node, a Action) error {
	switch a {
	case Label:
		return in.label(ctx, true)
	case Unlabel:
		return in.label(ctx, false)
	case Place:
		return in.place(ctx)
	case TakeBack:
		return in.change(ctx, in.Host.takeBack)
	case Undo:
		return in.change(ctx, in.Host.uninstall)
	case Restart:
		return in.restart(ctx)
	case Settle:
		return in.note(func(j *journal) { *j = j.settled() })
	case GiveUp:
		return in.note(func(j *journal) { *j = j.settled(); j.Failed = in.attempt() })
	case Forget:
		return errors.Join(in.note(func(j *journal) { *j = journal{} }), setOurs(in.State, false), in.forget(ctx, n))
	}
	return nil
}

// place installs, and notes before whose installation it is.
func (in *Installer) place(ctx context.Context) error {
	there, err := in.Host.uninstall(ctx, true)
	if err != nil && there.Error == "" {
		return err
	}
	if there.Problem == report.NotInstalled {
		if err := setOurs(in.State, true); err != nil {
			return err
		}
	}
	return in.change(ctx, in.Host.install)
}

// change changes the node's files. That containerd has to be restarted is noted before:
// afterwards the files do not tell.
func (in *Installer) change(ctx context.Context, do func(ctx context.Context, dryRun bool) (report.Report, error)) error {
	rep, err := do(ctx, true)
	if err == nil && rep.Restart {
		err = in.note(func(j *journal) { j.Restart, j.Started, j.At = RestartDue, "", time.Time{} })
	}
	if err != nil {
		return err
	}
	rep, err = do(ctx, false)
	for _, line := range rep.Notes {
		in.Log.Info(line)
	}
	if err == nil && rep.Problem != "" {
		err = errors.New(rep.Error)
	}
	return err
}

// restart restarts containerd, once for each change of its configuration: it is tried
// again only where containerd was not stopped.
func (in *Installer) restart(ctx context.Context) error {
	in.Log.Info("containerd is restarted", "unit", in.unit)
	err := in.Restarter.restart(ctx, in.Host.Root, in.unit)
	if out := (*outputError)(nil); errors.As(err, &out) {
		in.Log.Warn("the command that restarts containerd has failed", "output", out.output)
	}
	if err != nil && !errors.Is(err, errJob) {
		return err // where containerd was restarted all the same, follow sees it
	}
	return errors.Join(err, in.note(func(j *journal) { j.restarted(in.Now()) }))
}
