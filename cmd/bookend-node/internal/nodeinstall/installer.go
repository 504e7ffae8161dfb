package nodeinstall

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"k8s.io/client-go/metadata"

	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
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
