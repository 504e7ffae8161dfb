// Package admission decides about pods that are to run on bookend: a pod goes in,
// and a JSON patch with warnings, or a refusal, comes out. It is pure; package
// webhook brings it to an API server.
//
// # Which pods
//
// A pod is bookend's if its runtimeClassName is one of [Options].Classes. In a
// namespace with the label [NamespaceLabel]=[NamespaceEnabled], a pod without a
// runtimeClassName gets the first of them; one that names another class is left
// alone, with a warning. Pods of Windows, and mirror pods, which a kubelet runs
// whatever the API server holds, are left alone.
//
// # What becomes of a lifecycle
//
// Each hook runs once. The fields of a container's lifecycle move into the
// annotation of that container, in the JSON in which the API server sent them, and
// leave the container. The annotation also gets the pod's
// terminationGracePeriodSeconds if it has none of its own, so that bookend knows
// it where containerd passes none of the kubelet's annotations through. The pod's own
// is never changed.
//
//   - An annotation that is there already keeps what it says, and gets the rest. A
//     hook that is in both places is left in both, with a warning, unless the two do
//     the same: then it leaves the container. One that the annotation has as null
//     stays with the kubelet: its author wants that.
//   - A native sidecar's preStop stays with the kubelet, which runs it when the pod
//     begins to end. Its annotation says "preStop: null", or the node's default
//     would run as well. The pod's annotation [SidecarAnnotation] with the value
//     [SidecarBookend] moves it like any other.
//   - stopSignal is copied. It stays in the container because containerd takes the
//     signal that it sends from there, and the pod's status shows it; the
//     annotation makes it one of the signals that trigger the preStop. One that
//     triggers no preStop (SIGKILL, or one that stopSignals leaves out) leaves the
//     container if there is a preStop, which would not run otherwise: the image's
//     signal comes, the hook runs, and bookend sends stopSignal in its place.
//   - What a node would refuse (tcpSocket, a host that policy does not allow, an
//     annotation that is too long) stays where it is, all of that lifecycle, with
//     a warning.
//   - What the API server refuses anyway is not touched, so that its own message is
//     what the author reads: the lifecycle of an init container that is no sidecar,
//     or of an ephemeral one, and all of a pod with two containers of one name.
//
// Admitting the result again changes nothing. Warnings are at most as many and as long
// as an API server sends on.
//
// # What is refused
//
// For pods of bookend's: an annotation that [hooks.Resolve] refuses, by the
// configuration that the nodes have; httpGet.host in an annotation where Pod Security
// forbids it in a lifecycle; and any change of bookend's annotations on a pod that
// exists, as a lifecycle cannot change either. A Binding adds its annotations to the
// pod's, so it may have none of bookend's.
//
// # Concurrency
//
// An [Admitter] is immutable and may be used by many goroutines.
package admission
