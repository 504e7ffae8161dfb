// Package nodeinstall puts bookend on a node of a cluster, and takes it away again. It
// is the part of the agent that changes its node.
//
// # One step
//
// An [Installer] takes one step after the other. In a step it looks at everything anew,
// decides, writes the decision into the node's condition, and does it:
//
//	API server: DaemonSet, node     \
//	node: files, shims, containerd   > Observed -> decide -> Decision -> condition, Event
//	journal                         /                          |
//	                                                           v
//	                                        one action that can be done again
//
// decide is a pure function, and the order of its cases is the order of the steps. So an
// agent that is killed anywhere goes on where it was. Only three facts are not to be seen
// again, and are on the node's disk: that containerd is to be restarted, written before its
// files change; that a set of binaries did harm; and whether an agent has begun the
// installation. One that a person has begun is brought up to date, and stays when the
// agents go.
//
// What the agent did is said before it is done: a node without the condition is one that
// no agent has changed. A failure is told by the condition and by an Event, and the step is
// taken again later, the agent running on. containerd is restarted once for each change of
// its configuration, however often a step is taken; and where another program undoes that
// change time and again, four times in an hour at most.
//
// # The node's side
//
// The files are those of bookend install and bookend uninstall, run by the command that
// is itself among the new binaries ([Host]): it makes the node's root its own, so that
// paths and links lead where they do on the node, and the agent needs neither containerd's
// libraries nor the memory of an installation. Running shims keep their binaries: the same
// command places each set in a directory of its own, and removes those that no shim runs
// from.
//
// # Who runs on it
//
// Whether pods run on bookend is told by the node's processes: shims whose binary is an
// installation's. The API server cannot tell. A pod is bound before its kubelet knows, and
// its object may go by force while its containers run on; and the containers of a node
// that cannot reach the API server are there all the same. A pod that was bound to the
// node before the label went, and has no sandbox yet, has lost nothing: its kubelet says
// that the handler is unknown, and tries again until the pod is deleted or bookend is
// back. To know such pods the agent would need the right to list all pods of the cluster.
//
// # When it goes
//
// Everything is undone where the agents' DaemonSet is being deleted, or its namespace (as
// far as the agent's rights last, which go with it), or
// where its annotation asks for it, which [Uninstall] sets before Helm deletes anything.
// SIGTERM alone undoes nothing: it makes the agent ask whether its DaemonSet is being
// deleted, and what cannot be known means no. A DaemonSet that another of its name has
// replaced, or that has left its pods behind, is not deleted in this sense.
//
// # Harm
//
// Where containerd, once its configuration has changed, serves no pods for all of
// [Pauses].Ready, the configuration is taken back, and that set of binaries is not tried
// again on this node with the same flags. Where pods run on it, their binaries stay until
// they have ended: without a containerd no pod could end. Nothing is changed on a node
// whose containerd cannot be asked before.
//
// # Concurrency
//
// An Installer belongs to one goroutine. A lock on the node keeps the agents apart that a
// rolling update has running at the same time.
package nodeinstall
