package nodeinstall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"

	"bookend.dev/bookend/cmd/internal/report"
)

// Options are what an installer is made of.
type Options struct {
	API      API
	Metadata metadata.Interface
	Node     string // its name
	// Namespace and Pod are this agent's.
	Namespace, Pod string
	Host           Host
	Restarter      Restarter
	// State is a directory on a disk of the node.
	State string
	Log   *slog.Logger
	// Now is the clock; nil: the machine's.
	Now func() time.Time
	// Pauses between steps; zero: [DefaultPauses].
	Pauses Pauses
}

// Pauses are how long an installer lets pass.
type Pauses struct {
	// Soon is until the next step while a node is to become Ready.
	Soon time.Duration
	// Rest is until the API server is asked again whether all is as it was, and Files until
	// the node's files are looked at again.
	Rest, Files time.Duration
	// Failed is after the first failure, and Failing at most.
	Failed, Failing time.Duration
	// Ready is what a node may need after a restart of containerd.
	Ready time.Duration
}

// DefaultPauses are those of a node, whose kubelet tells every five minutes that nothing
// has changed.
func DefaultPauses() Pauses {
	return Pauses{
		Soon: 5 * time.Second, Rest: 30 * time.Second, Files: 10 * time.Minute,
		Failed: 5 * time.Second, Failing: 5 * time.Minute, Ready: 6 * time.Minute,
	}
}

// Installer installs on one node.
type Installer struct {
	Options
	removal removal
	journal journal
	loaded  bool // the journal is
	seen    seen
	set     string // of new binaries; empty: not known yet
	ends    bool   // the agent was told to end, for a deletion
	unit    string // that runs containerd
	started string // the run of containerd that was seen last
}

// seen is what the API server said in the latest step.
type seen struct {
	removal            bool
	labelled, reported bool
}

// New returns an installer that has done nothing.
func New(o Options) *Installer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Pauses == (Pauses{}) {
		o.Pauses = DefaultPauses()
	}
	return &Installer{Options: o, removal: removal{api: o.Metadata, namespace: o.Namespace, pod: o.Pod}}
}

// Step looks, decides, says so, and does it. The node says what is done to it before it is
// done: where the API server cannot be told, nothing is.
func (in *Installer) Step(ctx context.Context) (Decision, error) {
	n, d, err := in.look(ctx)
	if err == nil {
		err = in.report(ctx, n, d)
	}
	if err == nil {
		err = in.do(ctx, n, d.Action)
	}
	if err != nil && n != nil {
		failed := not(Wait, string(d.Action)+ReasonFailed, err.Error()).warn()
		err = errors.Join(err, in.report(ctx, n, failed))
	}
	return d, err
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
	since := time.Time{}
	if in.journal.Restart == Restarted {
		since = in.journal.At
		o.Overdue = in.Now().Sub(since) > in.Pauses.Ready
	}
	o.Restart = in.journal.Restart
	o.Ready, o.HandlerKnown = readySince(n, since), knowsHandler(n, in.Host.RuntimeName)
	return n, decide(o), nil
}

// ask asks the API server, which may have been told of a removal, or have another
// object of the node, by now.
func (in *Installer) ask(ctx context.Context) (*corev1.Node, seen, error) {
	why, err := in.removal.wanted(ctx, false)
	if err != nil {
		return nil, seen{}, err
	}
	n, err := in.API.Nodes().Get(ctx, in.Node, metav1.GetOptions{})
	if err != nil {
		return nil, seen{}, fmt.Errorf("node %s: %w", in.Node, err)
	}
	return n, seen{why != stays || in.ends, n.Labels[NodeLabel] == LabelReady, conditionOf(n, Condition) != nil}, nil
}

func (in *Installer) observeRemoval(ctx context.Context, o *Observed) error {
	if in.unit == "" {
		// Only containerd is asked for: what an installation would do does not matter.
		found, _ := in.Host.install(ctx, true)
		in.unit = found.Unit
	}
	rep, err := in.Host.uninstall(ctx, true)
	o.Installed, o.InUse = rep.Problem != report.NotInstalled, rep.Problem == report.InUse
	return err
}

func (in *Installer) observeInstallation(ctx context.Context, o *Observed) error {
	rep, err := in.Host.install(ctx, true)
	if err != nil {
		return err
	}
	in.set, in.unit, in.started = rep.Set, rep.Unit, ""
	o.Pending, o.Todo = rep.Changed, rep.Todo
	if c := rep.Containerd; c != nil {
		o.Serving, o.Loaded, in.started = c.CRI == "", c.Loaded, c.Started
	}
	if o.GaveUp = in.journal.Failed == in.set; o.GaveUp {
		return in.observeRemoval(ctx, o)
	}
	if j := &in.journal; j.Restart == RestartDue && j.Started != "" && in.started != "" && j.Started != in.started {
		// By a person, or by the agent before this one, or by a boot.
		return in.note(func(j *journal) { j.Restart, j.At = Restarted, in.Now() })
	}
	return nil
}

func (in *Installer) note(change func(*journal)) error {
	j := in.journal
	change(&j)
	if err := j.save(in.State); err != nil {
		return err
	}
	in.journal = j
	return nil
}

func (in *Installer) do(ctx context.Context, n *corev1.Node, a Action) error {
	switch a {
	case Label:
		return in.label(ctx, true)
	case Unlabel:
		return in.label(ctx, false)
	case Place:
		return in.change(ctx, in.Host.install)
	case Undo:
		return in.change(ctx, in.Host.uninstall)
	case Restart:
		return in.restart(ctx)
	case Settle:
		return in.note(func(j *journal) { *j = journal{Failed: j.Failed} })
	case GiveUp:
		return in.note(func(j *journal) { *j = journal{Failed: in.set} })
	case Forget:
		return errors.Join(in.note(func(j *journal) { *j = journal{} }), in.forget(ctx, n))
	}
	return nil
}

// change changes the node's files. That containerd has to be restarted is noted before:
// afterwards the files do not tell.
func (in *Installer) change(ctx context.Context, do func(ctx context.Context, dryRun bool) (report.Report, error)) error {
	rep, err := do(ctx, true)
	if err == nil && rep.Restart {
		err = in.note(func(j *journal) { j.Restart, j.Started, j.At = RestartDue, in.started, time.Time{} })
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
	if err != nil && !errors.Is(err, errJob) {
		return err
	}
	return errors.Join(err, in.note(func(j *journal) { j.Restart, j.At = Restarted, in.Now() }))
}

// Run takes steps until ctx is done, and then until all is undone if that is why. One
// agent at a time does: during a rolling update the next one waits for this one's end.
func (in *Installer) Run(ctx context.Context) error {
	unlock := in.lock(ctx)
	if unlock == nil {
		return nil
	}
	defer unlock()
	// A step that has begun is not cut off.
	always := context.WithoutCancel(ctx)
	pause := time.Duration(0)
	for {
		if ctx.Err() != nil && !in.ends {
			if in.ends = in.leaves(always); !in.ends {
				return nil
			}
		}
		d, err := in.Step(always)
		switch {
		case err != nil:
			in.Log.Warn(err.Error(), "action", d.Action)
			pause = min(max(pause*2, in.Pauses.Failed), in.Pauses.Failing)
		case in.ends && d.Action == Rest:
			return nil
		case d.Action == Rest:
			pause = 0
			in.rest(ctx)
		case d.Action == Wait && in.journal.Restart == NoRestart:
			pause = in.Pauses.Rest
		case d.Action == Wait:
			pause = in.Pauses.Soon
		default:
			in.Log.Info(d.Message, "action", d.Action)
			pause = 0
		}
		if in.ends {
			pause = min(pause, in.Pauses.Soon) // the kubelet does not wait for ever
		}
		in.wait(ctx, pause)
	}
}

// rest waits until there may be something to do: looking at the node's files takes
// processor time, and asking the API server hardly any.
func (in *Installer) rest(ctx context.Context) {
	for until := in.Now().Add(in.Pauses.Files); ctx.Err() == nil && in.Now().Before(until); {
		in.wait(ctx, in.Pauses.Rest)
		if ctx.Err() != nil {
			return
		}
		if _, saw, err := in.ask(ctx); err != nil || saw != in.seen {
			return
		}
	}
}

// wait waits, until ctx is done unless that was seen before.
func (in *Installer) wait(ctx context.Context, pause time.Duration) {
	done := ctx.Done()
	if in.ends {
		done = nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
}

// leaves tells, once the agent is told to end, whether that is for a deletion. It is not
// where the API server does not say so.
func (in *Installer) leaves(ctx context.Context) bool {
	why, err := in.removal.wanted(ctx, true)
	if err != nil {
		in.Log.Warn("whether bookend is being removed is not known: it stays", "error", err)
	}
	return why == deleting
}

// lock waits for other agents of this node; nil: ctx was done before.
func (in *Installer) lock(ctx context.Context) (unlock func()) {
	for ctx.Err() == nil {
		f, err := lockFile(filepath.Join(in.State, lockName))
		if err == nil {
			return func() { _ = f.Close() }
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			in.Log.Warn("lock: " + err.Error())
		}
		in.wait(ctx, in.Pauses.Soon)
	}
	return nil
}

const lockName = "install.lock"

func lockFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
