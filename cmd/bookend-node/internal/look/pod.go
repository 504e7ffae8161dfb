package look

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bookend.dev/bookend/hooks/record"
)

// pod reads the pod as it is now.
func (s *Server) pod(ctx context.Context, of podRef) (*corev1.Pod, error) {
	pod, err := s.opts.Client.Pods(of.namespace).Get(ctx, of.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, refused(apierrors.NewNotFound(corev1.Resource("pods"), of.name))
	}
	if err != nil {
		return nil, fmt.Errorf("read the pod: %w", err)
	}
	if pod.Spec.NodeName == "" {
		return nil, refused(apierrors.NewBadRequest(fmt.Sprintf("pod %s is not scheduled to a node yet", of.name)))
	}
	return pod, nil
}

// ofPod tells the containers of a pod from all others. An earlier pod of the same
// name may have left records, and may still be stopping: the UID tells them apart,
// or the pod's status, where the kubelet names its containers. That holds for
// records of older versions, which have no UID, and for a static pod, whose UID is
// not that of its mirror in the API.
func ofPod(pod *corev1.Pod) func(record.Subject) bool {
	known := containersOf(pod.Status)
	return func(c record.Subject) bool {
		return c.IsPods() && c.Pod == pod.Name && c.PodNamespace == pod.Namespace &&
			(c.PodUID == string(pod.UID) && c.PodUID != "" || known[c.Container])
	}
}

// containersOf returns the ids of the containers that a status names.
func containersOf(st corev1.PodStatus) map[string]bool {
	ids := map[string]bool{}
	for _, list := range [][]corev1.ContainerStatus{st.InitContainerStatuses, st.ContainerStatuses, st.EphemeralContainerStatuses} {
		for _, c := range list {
			ended := []*corev1.ContainerStateTerminated{c.State.Terminated, c.LastTerminationState.Terminated}
			for _, id := range []string{c.ContainerID, containerOf(ended[0]), containerOf(ended[1])} {
				if _, id, ok := strings.Cut(id, "://"); ok && id != "" {
					ids[id] = true
				}
			}
		}
	}
	return ids
}

func containerOf(ended *corev1.ContainerStateTerminated) string {
	if ended == nil {
		return ""
	}
	return ended.ContainerID
}

// runtimeClass is the pod's; empty: it has none.
func runtimeClass(pod *corev1.Pod) string {
	if pod.Spec.RuntimeClassName == nil {
		return ""
	}
	return *pod.Spec.RuntimeClassName
}
