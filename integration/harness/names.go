package harness

// Names by which clients know bookend and its companions. They are spelled here
// apart from package hooks on purpose: a test shows when a name changes there.

// Runtime types.
const (
	// RuncRuntime is that of the stock shim.
	RuncRuntime = "io.containerd.runc.v2"
	// BookendRuntime is the runtime type that clients other than the CRI name.
	BookendRuntime = "io.containerd.bookend.v2"
)

// Names of bookend's binaries.
const (
	ShimBinary    = "containerd-shim-bookend-v2"
	ExecBinary    = "bookend-exec"
	CommandBinary = "bookend"
)

// Annotations that carry a Lifecycle object.
const (
	// LifecycleKey is the annotation of a container that is not the CRI's.
	LifecycleKey = "bookend.dev/lifecycle"
	// LifecyclePrefix and a container's name are that of a pod's container.
	LifecyclePrefix = "lifecycle.bookend.dev/"
	// PodLifecycleKey is that of a pod's container "main".
	PodLifecycleKey = LifecyclePrefix + "main"
)

// bookendKeys matches the annotations of bookend that name no container.
const bookendKeys = "bookend.dev/*"

// Annotations that containerd's CRI plugin adds.
const (
	ContainerTypeKey = "io.kubernetes.cri.container-type" // "container" or "sandbox"
	ContainerNameKey = "io.kubernetes.cri.container-name"
	SandboxIDKey     = "io.kubernetes.cri.sandbox-id"
)

// Annotations that the kubelet adds.
const (
	GracePeriodKey = "io.kubernetes.pod.terminationGracePeriod"
	PortsKey       = "io.kubernetes.container.ports"
)

// Topics of bookend's events.
const (
	// HookTopics is what those about hooks begin with; the rest is the verb.
	HookTopics = "/bookend/hook/"
	// UndeliveredTopic is that of a stop that could not be delivered.
	UndeliveredTopic = "/bookend/stop/undelivered"
)
