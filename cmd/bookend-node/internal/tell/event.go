package tell

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bookend.dev/bookend/cmd/bookend-node/internal/hookfeed"
)

const (
	// component is who tells, as kubectl prints it.
	component = "bookend"
	// annotationCounted names the fact that an Event has counted last.
	annotationCounted = "bookend.dev/counted"
	// maxName is what an object's name may have, in bytes.
	maxName = 253
)

// newEvent makes the Event of a fact, as the first that it counts.
func newEvent(n notice, ref corev1.ObjectReference, f hookfeed.Fact, node string) *corev1.Event {
	at := metav1.NewTime(n.at)
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name: eventName(n, ref), Namespace: ref.Namespace,
			Annotations: map[string]string{annotationCounted: factID(f)},
		},
		InvolvedObject: ref,
		Type:           n.kind, Reason: n.reason, Message: n.message,
		FirstTimestamp: at, LastTimestamp: at, Count: 1,
		Source:              corev1.EventSource{Component: component, Host: node},
		ReportingController: component, ReportingInstance: node,
	}
}

// eventName is the same for what is counted together.
func eventName(n notice, ref corev1.ObjectReference) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{string(ref.UID), ref.FieldPath, n.reason, n.message}, "\n")))
	digest := hex.EncodeToString(sum[:8])
	pod := ref.Name[:min(len(ref.Name), maxName-1-len(digest))]
	return strings.TrimRight(pod, "-.") + "." + digest
}

// factID names a fact for all time.
func factID(f hookfeed.Fact) string { return f.ID + " " + string(f.Kind) }

// isCounted tells whether an Event has counted a fact.
func isCounted(ev *corev1.Event, f hookfeed.Fact) bool {
	return ev.Annotations[annotationCounted] == factID(f)
}

// count counts another fact.
func count(ev *corev1.Event, n notice, f hookfeed.Fact) {
	ev.Count++
	if at := metav1.NewTime(n.at); ev.LastTimestamp.Before(&at) {
		ev.LastTimestamp = at
	}
	metav1.SetMetaDataAnnotation(&ev.ObjectMeta, annotationCounted, factID(f))
}

// podRef refers to a container in its pod.
func podRef(f hookfeed.Fact, isInit bool) corev1.ObjectReference {
	list := "containers"
	if isInit {
		list = "initContainers"
	}
	ref := corev1.ObjectReference{Kind: "Pod", APIVersion: "v1", Namespace: f.PodNamespace, Name: f.Pod}
	ref.FieldPath = fmt.Sprintf("spec.%s{%s}", list, f.Name)
	return ref
}
