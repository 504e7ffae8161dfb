package hooks

// Annotations that carry a Lifecycle object. AnnotationKey is for containers
// that are not CRI's; AnnotationPrefix and a container's name for those that
// are, because a Pod's annotations reach all of its containers.
const (
	AnnotationKey    = "bookend.dev/lifecycle"
	AnnotationPrefix = "lifecycle.bookend.dev/"
)

// Annotations that containerd's CRI plugin adds. No Pod can forge them.
const (
	AnnotationContainerType    = "io.kubernetes.cri.container-type" // ContainerTypeContainer or ContainerTypeSandbox
	AnnotationContainerName    = "io.kubernetes.cri.container-name"
	AnnotationSandboxID        = "io.kubernetes.cri.sandbox-id"
	AnnotationSandboxName      = "io.kubernetes.cri.sandbox-name"
	AnnotationSandboxNamespace = "io.kubernetes.cri.sandbox-namespace"
	AnnotationSandboxUID       = "io.kubernetes.cri.sandbox-uid"
)

// NamespaceCRI is the namespace of containerd that its CRI plugin has to itself. In
// another one any client may give a container the annotations of a Pod.
const NamespaceCRI = "k8s.io"

// Values of AnnotationContainerType.
const (
	ContainerTypeContainer = "container"
	ContainerTypeSandbox   = "sandbox"
)

// Annotations that the kubelet adds, where containerd passes them through.
const (
	// AnnotationGracePeriod holds the Pod's terminationGracePeriodSeconds.
	AnnotationGracePeriod = "io.kubernetes.pod.terminationGracePeriod"
	// AnnotationPorts holds the container's ports: a JSON list of Kubernetes'
	// ContainerPort.
	AnnotationPorts = "io.kubernetes.container.ports"
)

// AnnotationNerdctlName is where nerdctl writes a container's name.
const AnnotationNerdctlName = "nerdctl/name"

// Fields of a Lifecycle object.
const (
	FieldPostStart   = string(PostStart)
	FieldPreStop     = string(PreStop)
	FieldStopSignal  = "stopSignal"
	FieldStopSignals = "stopSignals"
	FieldGracePeriod = "terminationGracePeriodSeconds"
)

// LifecycleFields returns the fields of a Lifecycle object.
func LifecycleFields() []string {
	return []string{FieldPostStart, FieldPreStop, FieldStopSignal, FieldStopSignals, FieldGracePeriod}
}

// Handlers of a hook, which are also the names of their fields. HandlerTCPSocket
// is one that Kubernetes accepts and no one carries out.
const (
	HandlerExec      = "exec"
	HandlerHTTPGet   = "httpGet"
	HandlerSleep     = "sleep"
	HandlerTCPSocket = "tcpSocket"
)

// FieldTimeout is the timeout's field in a hook, and in its exec.
const FieldTimeout = "timeoutSeconds"

// Topics of bookend's events on containerd's event bus. The last element of a
// hook's topic, after HookTopic, is what happened.
const (
	HookTopic        = "/bookend/hook"
	UndeliveredTopic = "/bookend/stop/undelivered"
	// EventTopics matches all of them, as a regular expression.
	EventTopics = "^/bookend/(hook|stop)/"
)

// What happened to a hook, as the last element of its topic.
const (
	EventStart   = "start"
	EventSuccess = "success"
	EventFailure = "failure"
	EventTimeout = "timeout"
	EventCancel  = "cancel"
)

// Labels of events. Those of a stop signal that was not delivered are
// LabelSignal (its name), LabelMessage and LabelContainerName.
const (
	LabelHook          = "hook"
	LabelHandler       = "handler"
	LabelContainerName = "container_name"
	LabelOutcome       = "outcome"
	LabelAttempts      = "attempts"
	LabelDuration      = "duration"
	LabelMessage       = "message"
	LabelCause         = "cause"
	LabelRunner        = "runner"
	LabelReason        = "reason"
	LabelExitCode      = "exit_code"
	LabelSignal        = "signal"
	LabelHTTPStatus    = "http_status"
)

// RuntimeType is the runtime type that leads containerd to bookend's shim.
const RuntimeType = "io.containerd.bookend.v2"

// Names of the binaries. containerd makes the shim's of RuntimeType.
const (
	ShimBinary    = "containerd-shim-bookend-v2"
	ExecBinary    = "bookend-exec"
	CommandBinary = "bookend"
)
