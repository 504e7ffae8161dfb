package kube

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// space is a namespace for one test, and a directory that its pods share with the
// test. Whatever is left after its removal fails the test.
type space struct {
	*Cluster

	t     *testing.T
	name  string
	fifos *harness.FIFOs
}

func newSpace(t *testing.T, fifos ...string) *space {
	t.Helper()
	c := sharedCluster(t)
	before, err := c.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	logged := len(c.Daemon.Log())
	t.Cleanup(func() {
		if err := c.CheckLeaks(context.Background(), before); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, p := range c.programs {
				if p.name == kubelet || p.name == Webhook || p.name == Agent {
					t.Logf("%s logged:\n%s", p.name, logTail(p.name))
				}
			}
			t.Logf("containerd and shims logged:\n%s", c.Daemon.Log()[logged:])
		}
	})
	s := &space{Cluster: c, t: t, fifos: c.Daemon.TestFIFOs(t, fifos...)}
	if s.name, err = c.NewNamespace(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.RemoveNamespace(context.Background(), s.name); err != nil {
			t.Error(err)
		}
	})
	return s
}

// newHookedSpace is one in a cluster with the webhook and the agent.
func newHookedSpace(t *testing.T, fifos ...string) *space {
	t.Helper()
	hookedCluster(t)
	return newSpace(t, fifos...)
}

// container runs a script that finds the space's directory at FIFODir.
func (s *space) container(name, script string) corev1.Container {
	return corev1.Container{
		Name: name, Image: harness.BusyboxImage, Command: []string{"sh", "-c", script},
		VolumeMounts: []corev1.VolumeMount{{Name: "fifo", MountPath: harness.FIFODir}},
	}
}

// podSpec is that of a pod of a class whose container main runs a script.
func (s *space) podSpec(class, script string) corev1.PodSpec {
	never := false
	return corev1.PodSpec{
		RuntimeClassName:             &class,
		AutomountServiceAccountToken: &never, // nothing here asks the API
		Containers:                   []corev1.Container{s.container("main", script)},
		Volumes: []corev1.Volume{{Name: "fifo", VolumeSource: corev1.VolumeSource{
			HostPath: &corev1.HostPathVolumeSource{Path: s.fifos.Dir},
		}}},
	}
}

// pod is one of the class bookend, named web, whose container main runs a script and has a
// Lifecycle object by annotation.
func (s *space) pod(lifecycle, script string, edit ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: map[string]string{harness.PodLifecycleKey: lifecycle}},
		Spec:       s.podSpec(harness.Bookend, script),
	}
	for _, e := range edit {
		e(pod)
	}
	return pod
}

func (s *space) create(pod *corev1.Pod) {
	s.t.Helper()
	if _, err := s.CoreV1().Pods(s.name).Create(s.t.Context(), pod, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// await waits for a pod as AwaitPod does.
func (s *space) await(pod, what string, check func(*corev1.Pod) error) *corev1.Pod {
	s.t.Helper()
	got, err := s.AwaitPod(s.t.Context(), s.name, pod, what, check)
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// ready tells why a pod is not ready.
func ready(pod *corev1.Pod) error {
	if pod == nil {
		return fmt.Errorf("there is none")
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("it is not ready: %+v", pod.Status)
}

// gone tells that a pod is still there.
func gone(pod *corev1.Pod) error {
	if pod != nil {
		return fmt.Errorf("it is %s: %+v", pod.Status.Phase, pod.Status.ContainerStatuses)
	}
	return nil
}

// remove deletes a pod as kubectl does, and waits until it is gone.
func (s *space) remove(pod string) {
	s.t.Helper()
	if err := s.CoreV1().Pods(s.name).Delete(s.t.Context(), pod, metav1.DeleteOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.await(pod, "the end of "+pod, gone)
}

// kubectl runs kubectl in the namespace and returns what it printed.
func (s *space) kubectl(args ...string) string {
	s.t.Helper()
	out, err := s.Kubectl(s.t.Context(), append([]string{"--namespace=" + s.name}, args...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// trace is what containers and hooks have noted, in order.
func (s *space) trace() []string {
	s.t.Helper()
	return readTrace(s.t, s.fifos.Dir)
}

func readTrace(t *testing.T, dir string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "trace"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(content))
}

// note is a shell command that writes a word into the trace.
func note(word string) string { return "echo " + word + " >> " + harness.FIFODir + "/trace" }

// Scripts that note SIGTERM and end by it: trapped from then on, polite for ever.
var (
	trapped = "trap '" + note("term") + "; exit 0' TERM; "
	polite  = trapped + forever
)

// forever keeps a shell waiting, for signals to be handled at once.
const forever = "while :; do sleep 1000 & wait $!; done"
