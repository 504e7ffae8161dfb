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

// deploy creates the Deployment web, whose pods note their hooks and their stop
// signal, and waits until it is rolled out.
func (s *space) deploy(replicas int32) {
	s.t.Helper()
	script := "trap '" + noteHost("term") + "; exit 0' TERM; " + forever
	labels := map[string]string{"app": "web"}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{harness.PodLifecycleKey: fmt.Sprintf(`
postStart: {exec: {command: [sh, -c, %q]}}
preStop: {exec: {command: [sh, -c, %q]}}`, noteHost("post"), noteHost("pre"))}},
		Spec: s.podSpec(harness.Bookend, script),
	}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template},
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
	content, err := os.ReadFile(filepath.Join(s.fifos.Dir, "pods"))
	if err != nil {
		s.t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(content)) {
		if of, word, _ := strings.Cut(strings.TrimSpace(line), " "); of == pod {
			got = append(got, word)
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("%s noted %q, want %q", pod, got, want)
	}
}

func TestDeploymentScalesAndRollsAndDrains(t *testing.T) {
	s := newSpace(t)
	s.deploy(3)
	began := s.pods()

	s.kubectl("scale", "deployment/web", "--replicas=1")
	s.rolledOut()
	left := s.pods()
	if len(left) != 1 {
		t.Fatalf("%q are left, want one", left)
	}
	s.wantEnded(without(began, left))
	s.wantNotes(left[0], "post")

	s.kubectl("set", "env", "deployment/web", "GENERATION=2")
	s.rolledOut()
	rolled := s.pods()
	s.wantEnded(left)

	// What is on the one node goes, and finds no other.
	t.Cleanup(s.uncordon)
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
