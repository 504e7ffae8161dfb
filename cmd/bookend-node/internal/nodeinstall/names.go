package nodeinstall

import corev1 "k8s.io/api/core/v1"

const (
	// NodeLabel of a node says, with the value LabelReady, that pods can run on bookend there.
	NodeLabel = "bookend.dev/runtime"
	// LabelReady is its one value.
	LabelReady = "ready"
	// Condition of a node says the same to people, and why not. A node that an agent
	// has changed has one, from before the first change until after the last is undone.
	Condition corev1.NodeConditionType = "BookendReady"
	// AnnotationUninstall of the agents' DaemonSet asks every agent to undo what it did.
	AnnotationUninstall = "bookend.dev/uninstall"
)

// Reasons of the condition, and of Events about the node.
const (
	ReasonInstalled     = "Installed"
	ReasonInstalling    = "Installing"
	ReasonRestarting    = "RestartingContainerd"
	ReasonRestartByHand = "ContainerdNotRestarted"
	ReasonOften         = "RestartedOften"
	ReasonByHand        = "ConfigurationByHand"
	ReasonContainerd    = "ContainerdNotServing"
	ReasonNotLoaded     = "RuntimeNotLoaded"
	ReasonNodeNotReady  = "NodeNotReady"
	ReasonGaveUp        = "TakenBack"
	ReasonRemoving      = "Removing"
	ReasonInUse         = "PodsRunning"
	ReasonRemoved       = "Removed" // of an Event alone: there is no condition any more
	ReasonFailed        = "Failed"  // after the action that did
)
