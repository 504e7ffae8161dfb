package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"bookend.dev/bookend/integration/harness"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"sigs.k8s.io/yaml"
)

// run is one of the two runs of a scenario: a pod, and what is seen of it. Its methods
// are the steps of a scenario; one that fails ends the test.
type run struct {
	*space

	class    string
	pod      string
	job      string // empty: the pod is of none
	jobEnded string
	uid      types.UID

	mu   sync.Mutex
	last *corev1.Pod // while it was there
}

// runFIFOs are the FIFOs of every run.
var runFIFOs = []string{"main", "post", "post-go", "pre", "pre-go"}

// newRun creates the pod of a scenario in one of the classes.
func newRun(t *testing.T, c *Cluster, namespace string, s scenario, class string) *run {
	t.Helper()
	r := &run{class: class, pod: s.id() + "-" + class}
	r.space = &space{Cluster: c, t: t, name: namespace, fifos: c.Daemon.TestFIFOs(t, runFIFOs...)}
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: r.pod},
		Spec:       r.podSpec(class, polite),
	}
	s.edit(pod)
	if class == harness.Bookend {
		pod = r.convert(pod)
	}
	if s.job {
		pod = r.createJob(pod)
	} else {
		created, err := c.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		pod = created
	}
	r.pod, r.uid, r.last = pod.Name, pod.UID, pod
	r.follow()
	return r
}

// convert moves the lifecycle of each container into annotations, as an operator does.
func (r *run) convert(pod *corev1.Pod) *corev1.Pod {
	r.t.Helper()
	manifest, err := yaml.Marshal(pod)
	if err != nil {
		r.t.Fatal(err)
	}
	command := filepath.Join(r.Daemon.Binaries().Bin, harness.CommandBinary)
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(r.t.Context(), command, "convert", "--runtime-class", r.class, "-f", "-")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(manifest), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("convert: %v: %s", err, stderr.Bytes())
	}
	var converted corev1.Pod
	if err := yaml.UnmarshalStrict(stdout.Bytes(), &converted); err != nil {
		r.t.Fatal(err)
	}
	return &converted
}

// follow keeps the last state of the pod that the API showed, which a deletion takes
// away.
func (r *run) follow() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _, _ = follow(ctx, r.CoreV1().RESTClient(), "pods", r.name, r.pod, func(pod *corev1.Pod) error {
			if pod == nil {
				return nil
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.last = pod
			return errors.New("it is there")
		})
	}()
	r.t.Cleanup(func() { cancel(); <-done })
}

// status is that of the pod when it was last seen.
func (r *run) status() corev1.PodStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last.Status
}

// until waits for the pod's state.
func (r *run) until(what string, check func(*corev1.Pod) error) {
	r.t.Helper()
	r.await(r.pod, what, check)
}

// up waits until the entrypoint handles signals and the pod is ready.
func (r *run) up() {
	r.t.Helper()
	r.hear("main")
	r.until("the pod to be ready", ready)
}

// hear waits until something in the pod writes to a FIFO.
func (r *run) hear(fifo string) {
	r.t.Helper()
	if _, err := r.fifos.Await(r.t.Context(), fifo); err != nil {
		r.t.Fatal(err)
	}
}

// let lets something in the pod go on that reads a FIFO.
func (r *run) let(fifo string) {
	r.t.Helper()
	if err := r.fifos.Open(r.t.Context(), fifo); err != nil {
		r.t.Fatal(err)
	}
}

// ended waits until the pod has ended by itself.
func (r *run) ended() {
	r.t.Helper()
	r.until("the pod to end", func(pod *corev1.Pod) error {
		if pod != nil && (pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed) {
			return nil
		}
		return errors.New("it has not")
	})
}

// restarted waits until main has been restarted this often, and is ready.
func (r *run) restarted(times int32) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d restarts", times), func(pod *corev1.Pod) error {
		if err := ready(pod); err != nil {
			return err
		}
		if got := pod.Status.ContainerStatuses[0].RestartCount; got != times {
			return fmt.Errorf("%d restarts", got)
		}
		return nil
	})
}

// delete deletes the pod, with its own grace period or another, and returns at once.
func (r *run) delete(grace ...int64) {
	r.t.Helper()
	var opts metav1.DeleteOptions
	if len(grace) > 0 {
		opts.GracePeriodSeconds = &grace[0]
	}
	if err := r.CoreV1().Pods(r.name).Delete(r.t.Context(), r.pod, opts); err != nil {
		r.t.Fatal(err)
	}
}

// evict asks for what kubectl drain asks for.
func (r *run) evict() {
	r.t.Helper()
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: r.pod}}
	if err := r.CoreV1().Pods(r.name).EvictV1(r.t.Context(), eviction); err != nil {
		r.t.Fatal(err)
	}
}

// finish waits until the node has nothing of the pod that runs, and deletes it before,
// where the scenario has not.
func (r *run) finish() {
	r.t.Helper()
	if r.job != "" {
		r.jobEnded = r.jobEnd()
	}
	err := r.CoreV1().Pods(r.name).Delete(r.t.Context(), r.pod, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		r.t.Fatal(err)
	}
	r.until("the pod to go", gone)
	filter := &runtimeapi.PodSandboxFilter{
		LabelSelector: map[string]string{"io.kubernetes.pod.uid": string(r.uid)},
		State:         &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY},
	}
	err = harness.Poll(r.t.Context(), harness.ReadyTimeout, "its sandbox to end", func() error {
		reply, err := r.Daemon.CRI.ListPodSandbox(r.t.Context(), &runtimeapi.ListPodSandboxRequest{Filter: filter})
		if len(reply.GetItems()) > 0 {
			return fmt.Errorf("%d of them are ready", len(reply.GetItems()))
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}
