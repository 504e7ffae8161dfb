package nodeinstall

import (
	corev1 "k8s.io/api/core/v1"
)

// Action is the one thing that a step does.
type Action string

// The actions. Each can be done again after it has failed or was cut off.
const (
	// Rest does nothing, for all is as it should be, or as good as it gets.
	Rest Action = "Rest"
	// Wait does nothing, for something else has to happen first.
	Wait Action = "Wait"
	// Label has pods come to the node, and Unlabel keeps more of them away.
	Label   Action = "Label"
	Unlabel Action = "Unlabel"
	// Place puts binaries and configuration in place, or newer ones, and removes those
	// that nothing uses any more.
	Place Action = "Place"
	// Restart restarts containerd.
	Restart Action = "Restart"
	// Settle notes that the restart has done the node no harm.
	Settle Action = "Settle"
	// GiveUp notes that this set of binaries is not for this node.
	GiveUp Action = "GiveUp"
	// TakeBack takes the configuration away, and leaves the binaries to pods that run.
	TakeBack Action = "TakeBack"
	// Undo takes binaries and configuration away.
	Undo Action = "Undo"
	// Forget takes the node's condition away.
	Forget Action = "Forget"
)

// Stage is how far a restart of containerd is.
type Stage string

// The stages.
const (
	NoRestart  Stage = ""     // none is due
	RestartDue Stage = "due"  // its configuration has changed, or will in a moment
	Restarted  Stage = "done" // and the node is to be Ready again
)

// Observed is all that a decision depends on.
type Observed struct {
	// Removal says that the DaemonSet is being deleted, or that an administrator
	// asks for the removal.
	Removal bool
	// GaveUp says that this set of binaries has done the node harm.
	GaveUp bool

	// What the API server says of the node: its label, its condition of ours, whether
	// it is Ready since the restart if there was one, and whether the kubelet knows
	// the runtime's handler.
	Labelled, Reported, Ready, HandlerKnown bool

	// What there is, and is asked for a removal alone: an installation that is the
	// agents' to remove, shims of it that run, and its runtime in containerd's
	// configuration.
	Installed, InUse, Configured bool

	// What there is to do, and is asked for an installation alone: files that change;
	// what a person has to do.
	Pending bool
	Todo    string

	// What containerd says: it serves Kubernetes, and has loaded the runtime. Silent
	// says that it has not served for longer than a restart takes.
	Serving, Loaded, Silent bool

	Restart Stage
	Overdue bool // it was restarted longer ago than a node needs
	Often   bool // it was restarted so often that another one has to wait
	ByHand  bool // a person restarts it
}

// Decision is what to do, and what to say of it.
type Decision struct {
	Action Action
	// Status, Reason and Message are those of the node's condition; an empty status
	// leaves it as it is.
	Status          corev1.ConditionStatus
	Reason, Message string
	// Warn says that a person should look.
	Warn bool
}

// decide is the whole of what the agent does to its node.
func decide(o Observed) Decision {
	if o.Removal || o.GaveUp {
		return leave(o)
	}
	return arrive(o)
}

// arrive leads to a node with the runtime.
func arrive(o Observed) Decision {
	settled := o.Restart == NoRestart
	switch {
	case !settled && o.Silent && !o.Serving:
		// Who restarted it does not matter. One look that finds it silent is not enough:
		// others restart it as well.
		return not(GiveUp, ReasonGaveUp, "containerd serves no pods since the runtime is in its configuration, which is taken back").warn()
	case !o.Serving:
		return not(Wait, ReasonContainerd, "containerd cannot be asked, or does not serve Kubernetes").warn()
	case o.Pending:
		return not(Place, ReasonInstalling, "binaries and containerd's configuration are put in place")
	case o.Todo != "" && !o.Loaded:
		return o.await(ReasonByHand, o.Todo)
	case o.ByHand && (o.Restart == RestartDue || !o.Loaded):
		return o.await(ReasonRestartByHand, "containerd's configuration has changed: restart containerd")
	case o.Often && (o.Restart == RestartDue || settled && !o.Loaded):
		return o.await(ReasonOften, "containerd's configuration has changed again soon after the agent restarted it, perhaps by another program: it is restarted later, or by you")
	case o.Restart == RestartDue, settled && !o.Loaded:
		return not(Restart, ReasonRestarting, "containerd is restarted for its changed configuration")
	case !o.Loaded:
		return o.await(ReasonNotLoaded, "containerd was restarted, and has not loaded the runtime: bookend doctor on the node may tell why")
	case settled && o.Labelled:
		return yes(Rest) // whether the node is Ready is not ours to say
	case (!o.Ready || !o.HandlerKnown) && o.Overdue:
		return not(Wait, ReasonNodeNotReady, "containerd was restarted long ago, and the node is not Ready since, or its kubelet does not know the runtime's handler").warn()
	case !o.Ready || !o.HandlerKnown:
		return not(Wait, ReasonNodeNotReady, "the node is to be Ready, and its kubelet to know the runtime's handler")
	case !settled:
		return not(Settle, ReasonRestarting, "the node is Ready again")
	case !o.Labelled:
		return yes(Label)
	}
	return yes(Rest)
}

// await waits for a person. No pods come to a node meanwhile whose containerd does not
// know the runtime.
func (o Observed) await(reason, message string) Decision {
	if o.Labelled && !o.Loaded {
		return not(Unlabel, reason, message).warn()
	}
	return not(Wait, reason, message).warn()
}

// leave leads to a node without the runtime. The label goes first, and files go when
// no shim of theirs runs: only they can end their containers, and containerd, which would
// restart without them, gives the containers up. A configuration that does harm goes
// before: containerd has to serve for pods to end.
func leave(o Observed) Decision {
	reason, why := ReasonRemoving, "bookend is being removed"
	if !o.Removal {
		reason, why = ReasonGaveUp, "containerd did not serve pods with the runtime's configuration, which is taken back until there are other binaries"
	}
	say := func(a Action) Decision {
		d := not(a, reason, why)
		d.Warn = !o.Removal
		return d
	}
	switch {
	case o.Labelled:
		return say(Unlabel)
	case o.InUse && !o.Removal && o.Configured:
		return say(TakeBack)
	case o.InUse && !o.Removal && o.Restart == RestartDue && !o.ByHand:
		return say(Restart)
	case o.InUse && !o.Removal && o.Restart == Restarted && o.Ready:
		return say(Settle)
	case o.Installed && o.InUse:
		return not(Wait, ReasonInUse, why+": no more pods come; binaries and configuration follow when the last pod that runs on them has ended").warn()
	case o.Installed:
		return say(Undo)
	case o.Restart == RestartDue && !o.ByHand:
		return say(Restart)
	case o.Restart == Restarted && !o.Ready:
		d := not(Wait, ReasonNodeNotReady, why+": containerd was restarted, and the node is to be Ready again")
		if d.Warn = o.Overdue; o.Overdue {
			d.Message = why + ": containerd was restarted long ago, and the node is not Ready since"
		}
		return d
	case o.Restart != NoRestart:
		return say(Settle)
	case !o.Removal:
		return say(Rest)
	case o.Reported:
		return Decision{Action: Forget}
	}
	return Decision{Action: Rest}
}

func not(a Action, reason, message string) Decision {
	return Decision{Action: a, Status: corev1.ConditionFalse, Reason: reason, Message: message}
}

func yes(a Action) Decision {
	return Decision{Action: a, Status: corev1.ConditionTrue, Reason: ReasonInstalled, Message: "pods can run on bookend"}
}

func (d Decision) warn() Decision { d.Warn = true; return d }
