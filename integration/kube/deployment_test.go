package kube

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// noteHost is a shell command that notes a word, for one of many pods.
func noteHost(word string) string {
	return `echo "$HOSTNAME ` + word + `" >> ` + harness.FIFODir + "/pods"
}

// deploy creates the Deployment web, whose pods note their stop signal, and what edit
// has them do, and waits until it is rolled out.
func (s *space) deploy(replicas int32, edit func(*corev1.Pod)) {
	s.t.Helper()
	labels := map[string]string{"app": "web"}
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec:       s.podSpec(harness.Bookend, "trap '"+noteHost("term")+"; exit 0' TERM; "+forever),
	}
	edit(&pod)
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec},
		},
	}
	if _, err := s.AppsV1().Deployments(s.name).Create(s.t.Context(), d, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.rolledOut()
}

func (s *space) rolledOut() {
	s.t.Helper()
	s.kubectl("rollout", "status", "deployment/web", "--timeout=2m")
}

// pods returns the names of the pods that are not about to end.
func (s *space) pods() []string {
	s.t.Helper()
	list, err := s.CoreV1().Pods(s.name).List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			names = append(names, pod.Name)
		}
	}
	return names
}

// wantEnded waits until pods are gone, and checks that each ran each hook once, and
// got its stop signal after that.
func (s *space) wantEnded(pods []string) {
	s.t.Helper()
	for _, pod := range pods {
		s.await(pod, "the end of "+pod, gone)
		s.wantNotes(pod, "post", "pre", "term")
	}
}

// wantNotes checks what one pod has noted.
func (s *space) wantNotes(pod string, want ...string) {
	s.t.Helper()
	if got := s.notes(pod); !slices.Equal(got, want) {
		s.t.Errorf("%s noted %q, want %q", pod, got, want)
	}
}

// notes are those of one pod, in order.
func (s *space) notes(pod string) []string {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.fifos.Dir, "pods"))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(content)) {
		if of, word, _ := strings.Cut(strings.TrimSpace(line), " "); of == pod {
			got = append(got, word)
		}
	}
	return got
}

func TestDeploymentScalesAndRollsAndDrains(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	s := newSpace(t)
	s.deploy(3, func(pod *corev1.Pod) {
		pod.Annotations = map[string]string{harness.PodLifecycleKey: fmt.Sprintf(`
postStart: {exec: {command: [sh, -c, %q]}}
preStop: {exec: {command: [sh, -c, %q]}}`, noteHost("post"), noteHost("pre"))}
	})
	s.scaleAndRollAndDrain()
}

func TestDeploymentWithAPlainLifecycleScalesAndRollsAndDrains(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	s := newHookedSpace(t)
	s.deploy(3, hooks(shell(noteHost("post")), shell(noteHost("pre"))))
	pods := s.pods()
	for _, name := range pods {
		s.wantMoved(s.await(name, name+" to be ready", ready))
	}
	s.scaleAndRollAndDrain()
	for _, name := range pods {
		s.wantRuns(name, "postStart Succeeded", "preStop Succeeded")
	}
}

// scaleAndRollAndDrain checks that each pod of the Deployment runs each hook once,
// whatever ends it.
func (s *space) scaleAndRollAndDrain() {
	s.t.Helper()
	began := s.pods()

	s.kubectl("scale", "deployment/web", "--replicas=1")
	s.rolledOut()
	left := s.pods()
	if len(left) != 1 {
		s.t.Fatalf("%q are left, want one", left)
	}
	s.wantEnded(without(began, left))
	s.wantNotes(left[0], "post")

	s.kubectl("set", "env", "deployment/web", "GENERATION=2")
	s.rolledOut()
	rolled := s.pods()
	s.wantEnded(left)

	// What is on the one node goes, and finds no other.
	s.t.Cleanup(s.uncordon)
	s.kubectl("drain", NodeName, "--timeout=90s")
	s.wantEnded(rolled)
	s.uncordon()
	s.rolledOut()
	for _, pod := range s.pods() {
		s.wantNotes(pod, "post")
	}
}

// uncordon lets pods on the node again.
func (s *space) uncordon() {
	if _, err := s.Kubectl(context.Background(), "uncordon", NodeName); err != nil {
		s.t.Error(err)
	}
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(some, name) })
}
