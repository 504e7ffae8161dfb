package nodeinstall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"

	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
	"bookend.dev/bookend/cmd/internal/report"
)

// Options are what an installer is made of.
type Options struct {
	API      *kubeclient.Client
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
	set     string    // of new binaries; empty: not known yet
	ends    bool      // the agent was told to end, for a deletion
	unit    string    // that runs containerd
	started string    // the run of containerd that was seen last
	silent  time.Time // since when containerd serves no pods; zero: it does
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

// follow notes which containerd is to be restarted, and that it was: by a person, or by
// the agent before this one, or by a boot. It is called when its files have changed. One
// that was started before has not read them.
func (in *Installer) follow() error {
	j := &in.journal
	switch {
	case j.Restart != RestartDue || in.started == "" || j.Started == in.started:
		return nil
	case j.Started == "":
		return in.note(func(j *journal) { j.Started = in.started })
	}
	return in.note(func(j *journal) { j.Restart, j.At = Restarted, in.Now() })
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
	pause, denied := time.Duration(0), 0
	for {
		if ctx.Err() != nil && !in.ends {
			if in.ends = in.leaves(always); !in.ends {
				return nil
			}
		}
		d, err := in.Step(always)
		if denied++; !isDenied(err) {
			denied = 0
		}
		switch {
		case in.ends && denied == leaveTries:
			// Its rights went together with the DaemonSet. Who waits for the node's lock goes on.
			in.Log.Warn("what is left to undo stays", "error", err)
			return nil
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
	for tries := 1; err != nil && !isDenied(err) && tries < leaveTries; tries++ {
		in.wait(ctx, in.Pauses.Failed)
		why, err = in.removal.wanted(ctx, true)
	}
	if err != nil {
		in.Log.Warn("whether bookend is being removed is not known: it stays", "error", err)
	}
	return why == deleting
}

// leaveTries are how often the API server is asked: it may be restarted just then.
const leaveTries = 3

// isDenied tells whether the API server does not let the agent ask, or say, a thing.
func isDenied(err error) bool { return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) }

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
