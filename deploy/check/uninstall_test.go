package check

import (
	"slices"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// exitFound is the exit code by which bookend-node uninstall says that nodes are left.
const exitFound = 3

// Who runs helm uninstall learns which nodes are left once, when the command has waited
// for them, and not after it was run again.
func TestHelmSaysWhichNodesAreLeft(t *testing.T) {
	var job batchv1.Job
	o := find(t, render(t, nil), "Job", "bookend-uninstall")
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &job, true); err != nil {
		t.Fatal(err)
	}
	if got := job.Annotations["helm.sh/hook-output-log-policy"]; got != "hook-failed" {
		t.Errorf("Helm prints what the Job says when it has %q", got)
	}
	policy := job.Spec.PodFailurePolicy
	if policy == nil || !slices.ContainsFunc(policy.Rules, func(r batchv1.PodFailurePolicyRule) bool {
		on := r.OnExitCodes
		return r.Action == batchv1.PodFailurePolicyActionFailJob && on != nil && on.ContainerName != nil &&
			*on.ContainerName == job.Spec.Template.Spec.Containers[0].Name &&
			on.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn && slices.Contains(on.Values, exitFound)
	}) {
		t.Errorf("the Job tries again what has said which nodes are left: %+v", policy)
	}
	if policy != nil {
		first := policy.Rules[0]
		if first.Action != batchv1.PodFailurePolicyActionIgnore || len(first.OnPodConditions) != 1 || first.OnPodConditions[0].Type != corev1.DisruptionTarget {
			t.Errorf("a pod that was drained counts: %+v", first)
		}
	}
	if job.Spec.Template.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("the policy holds for pods that are not restarted, and these are: %s", job.Spec.Template.Spec.RestartPolicy)
	}
}
