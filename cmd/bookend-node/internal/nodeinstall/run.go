package nodeinstall

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

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
