package kube

import (
	"context"
	"errors"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// createJob makes a Job of the pod, and returns the Job's pod.
func (r *run) createJob(pod *corev1.Pod) *corev1.Pod {
	r.t.Helper()
	var retries int32
	if pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure {
		retries = 3 // of the container
	}
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name},
		Spec: batchv1.JobSpec{
			BackoffLimit: &retries,
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Annotations: pod.Annotations}, Spec: pod.Spec,
			},
		},
	}
	ctx := r.t.Context()
	created, err := r.BatchV1().Jobs(r.name).Create(ctx, job, metav1.CreateOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.job = created.Name
	r.t.Cleanup(func() {
		background := metav1.DeletePropagationBackground
		if err := r.BatchV1().Jobs(r.name).Delete(context.Background(), job.Name, metav1.DeleteOptions{PropagationPolicy: &background}); err != nil {
			r.t.Error(err)
		}
	})
	pods, err := r.CoreV1().Pods(r.name).Watch(ctx, metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + job.Name})
	if err != nil {
		r.t.Fatal(err)
	}
	defer pods.Stop()
	select {
	case event := <-pods.ResultChan():
		if pod, ok := event.Object.(*corev1.Pod); ok {
			return pod
		}
		r.t.Fatalf("the watch for the pod of job %s: %+v", job.Name, event)
	case <-ctx.Done():
		r.t.Fatal(ctx.Err())
	}
	return nil
}

// jobEnd waits until the Job has ended, and returns how.
func (r *run) jobEnd() string {
	r.t.Helper()
	var end string
	_, err := await(r.t.Context(), r.BatchV1().RESTClient(), "jobs", r.name, r.job, "the end of the job", func(job *batchv1.Job) error {
		if job == nil {
			return errors.New("there is none")
		}
		for _, c := range job.Status.Conditions {
			if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
				end = string(c.Type)
				return nil
			}
		}
		return errors.New("it has not ended")
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return end
}

func jobScenarios() []scenario {
	post, pre := shell(note("post")), shell(note("pre"))
	return []scenario{
		{name: "a job", job: true, edit: edits(runs("sleep 1"), never, hooks(post, pre)), act: (*run).ended},
		{name: "a job that fails", job: true, edit: edits(runs("sleep 1; exit 3"), never, hooks(post, pre)), act: (*run).ended},
		{
			name: "a job whose postStart fails", job: true, act: (*run).ended,
			edit:    edits(runs(polite), never, hooks(shell(note("post")+"; exit 7"), pre)),
			differs: map[aspect]string{phase: failedStart, "job": failedStart, "main ended": failedStart, events: failedStart},
		},
		{
			name: "a job that is restarted", job: true, act: (*run).ended,
			edit: edits(runs("sleep 1; "+failing(1)+" || exit 5"), onFailure, hooks(post, pre)),
		},
	}
}
