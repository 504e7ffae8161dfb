package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
)

// outcome is what is compared of a run: each aspect in words.
type outcome map[aspect]string

type aspect string

// The aspects that every outcome has. Those of a container have its name before them.
const (
	phase  aspect = "phase"
	trace  aspect = "trace" // what containers and hooks noted, in order
	events aspect = "events"
)

// leftOut are the reasons of Events that are not compared, and why.
var leftOut = map[string]string{
	"BackOff": "the kubelet posts one whenever it looks while it waits",
}

// outcome reads what is seen of the run, after its end.
func (r *run) outcome(s scenario) outcome {
	status := r.status()
	seen := outcome{phase: string(status.Phase), trace: strings.Join(s.inOrder(r.trace()), " ")}
	if r.job != "" {
		seen["job"] = r.jobEnded
	}
	for _, c := range slices.Concat(status.InitContainerStatuses, status.ContainerStatuses) {
		seen[aspect(c.Name+" ended")] = endOf(c)
		seen[aspect(c.Name+" restarts")] = fmt.Sprint(c.RestartCount)
	}
	return seen
}

// endOf tells how a container ended, the last time where it runs again.
func endOf(c corev1.ContainerStatus) string {
	ended := c.State.Terminated
	if ended == nil {
		ended = c.LastTerminationState.Terminated
	}
	if ended == nil {
		return "no"
	}
	return fmt.Sprintf("%s %d", ended.Reason, ended.ExitCode)
}

// countEvents tells how many Events of which reason the pod has.
func (r *run) countEvents(ctx context.Context) (string, error) {
	list, err := r.CoreV1().Events(r.name).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("involvedObject.uid", string(r.uid)).String(),
	})
	if err != nil {
		return "", err
	}
	counts := map[string]int32{}
	for _, e := range list.Items {
		if _, out := leftOut[e.Reason]; !out {
			counts[e.Reason] += max(1, e.Count)
		}
	}
	var words []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s %d", reason, counts[reason]))
	}
	return strings.Join(words, ", "), nil
}
