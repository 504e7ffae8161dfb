package nodeinstall

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bookend.dev/bookend/cmd/internal/report"
)

// seen is what the API server said in the latest step.
type seen struct {
	removal            bool
	labelled, reported bool
}

// look observes and decides. An error of what was to be observed is one of the action
// that it was for.
func (in *Installer) look(ctx context.Context) (*corev1.Node, Decision, error) {
	n, saw, err := in.ask(ctx)
	if err != nil {
		return nil, Decision{}, err
	}
	in.seen = saw
	if !in.loaded {
		if in.journal, err = loadJournal(in.State); err != nil {
			return n, Decision{Action: Place}, err
		}
		in.loaded = true
	}
	o := Observed{Removal: saw.removal, Labelled: saw.labelled, Reported: saw.reported, ByHand: in.Restarter.way == byHand}
	if o.Removal {
		err = in.observeRemoval(ctx, &o)
	} else {
		err = in.observeInstallation(ctx, &o)
	}
	if err != nil {
		return n, Decision{Action: map[bool]Action{true: Undo, false: Place}[o.Removal]}, err
	}
	since, err := in.restartedAt()
	if err != nil {
		return n, Decision{Action: Place}, err
	}
	o.Overdue = !since.IsZero() && in.Now().Sub(since) > in.Pauses.Ready
	o.Restart, o.Often = in.journal.Restart, in.journal.often(in.Now())
	o.Ready, o.HandlerKnown = readySince(n, since), knowsHandler(n, in.Host.RuntimeName)
	return n, decide(o), nil
}

// restartedAt is when containerd was restarted that the node is to be Ready after; zero:
// it was not. A moment that is still to come was told by a clock that was wrong: the
// node's kubelet would be waited for until then.
func (in *Installer) restartedAt() (time.Time, error) {
	if in.journal.Restart != Restarted {
		return time.Time{}, nil
	}
	if now := in.Now(); in.journal.At.Round(0).After(now.Round(0)) {
		if err := in.note(func(j *journal) { j.At = now }); err != nil {
			return now, err
		}
	}
	return in.journal.At, nil
}

// ask asks the API server, which may have been told of a removal, or have another
// object of the node, by now.
func (in *Installer) ask(ctx context.Context) (*corev1.Node, seen, error) {
	why, err := in.removal.wanted(ctx, in.ends)
	if err != nil {
		return nil, seen{}, err
	}
	if in.ends && why != deleting {
		in.ends = false
		return nil, seen{}, errReplaced
	}
	n, err := in.API.Nodes().Get(ctx, in.Node, metav1.GetOptions{})
	if err != nil {
		return nil, seen{}, fmt.Errorf("node %s: %w", in.Node, err)
	}
	goes, label := why != stays || in.ends, n.Labels[NodeLabel]
	return n, seen{goes, label == LabelReady || goes && label != "", conditionOf(n, Condition) != nil}, nil
}

func (in *Installer) observeRemoval(ctx context.Context, o *Observed) error {
	// Only containerd is asked for: what an installation would do does not matter.
	found, _ := in.Host.install(ctx, true)
	in.see(found)
	rep, err := in.Host.uninstall(ctx, true)
	if err != nil {
		return err
	}
	o.Installed = rep.Problem != report.NotInstalled && (!o.Removal || ours(in.State))
	if o.InUse = rep.Problem == report.InUse; o.InUse && !o.Removal {
		config, err := in.Host.takeBack(ctx, true)
		if err != nil {
			return err
		}
		o.Configured = config.Changed
	}
	return in.follow()
}

func (in *Installer) observeInstallation(ctx context.Context, o *Observed) error {
	rep, err := in.Host.install(ctx, true)
	if err != nil {
		return err
	}
	in.set = rep.Set
	in.see(rep)
	o.Pending, o.Todo = rep.Changed, rep.Todo
	if c := rep.Containerd; c != nil {
		o.Serving, o.Loaded = c.CRI == "", c.Loaded
	}
	o.Silent = in.silentFor(o.Serving) > in.Pauses.Ready
	if o.GaveUp = in.journal.Failed == in.attempt(); o.GaveUp {
		return in.observeRemoval(ctx, o)
	}
	if o.Pending {
		return nil // what is due is so for another change as well
	}
	return in.follow()
}

// see remembers which containerd there is.
func (in *Installer) see(rep report.Report) {
	in.started = ""
	if c := rep.Containerd; c != nil {
		in.started = c.Started
	}
	if rep.Unit != "" {
		in.unit = rep.Unit
	}
}

// silentFor is for how long containerd serves no pods.
func (in *Installer) silentFor(serving bool) time.Duration {
	switch {
	case serving:
		in.silent = time.Time{}
		return 0
	case in.silent.IsZero():
		in.silent = in.Now()
	}
	return in.Now().Sub(in.silent)
}

// attempt is what did harm, or did not: other binaries or other flags may do better.
func (in *Installer) attempt() string {
	h := in.Host
	return strings.Join([]string{in.set, h.Distribution, h.RuntimeName, h.BinDir, h.LibDir}, " ")
}
