package kube

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	corev1 "k8s.io/api/core/v1"
)

func TestPodRunsHooksOfItsAnnotation(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod(fmt.Sprintf(`
postStart: {exec: {command: [sh, -c, %q]}}
preStop: {exec: {command: [sh, -c, %q]}}`, note("post"), note("pre")), polite))
	s.await("web", "the pod to be ready", ready)
	if got, want := s.trace(), []string{"post"}; !slices.Equal(got, want) {
		t.Errorf("ready with trace %q, want %q", got, want)
	}
	s.remove("web")
	if got, want := s.trace(), []string{"post", "pre", "term"}; !slices.Equal(got, want) {
		t.Errorf("trace %q, want %q", got, want)
	}
}

func TestFailedPostStartIsShownByKubectl(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod(`postStart: {exec: {command: [sh, -c, exit 7]}}`, polite, func(p *corev1.Pod) {
		p.Spec.RestartPolicy = corev1.RestartPolicyNever
	}))
	pod := s.await("web", "the pod to fail", func(p *corev1.Pod) error {
		if p == nil || p.Status.Phase != corev1.PodFailed {
			return errors.New("it has not")
		}
		return nil
	})
	ended := pod.Status.ContainerStatuses[0].State.Terminated
	if ended == nil || ended.Reason != "StartError" || ended.ExitCode != 128 {
		t.Errorf("terminated as %+v, want StartError and 128", ended)
	}
	described := s.kubectl("describe", "pod", "web")
	for _, want := range []string{"StartError", "FailedPostStartHook: exec: exit status 7 after "} {
		if !strings.Contains(described, want) {
			t.Errorf("kubectl describe says nothing of %q:\n%s", want, described)
		}
	}
}

func TestHooksOutputIsShownByKubectlLogs(t *testing.T) {
	s := newSpace(t, "pre", "pre-go")
	s.create(s.pod(`
postStart: {output: container, exec: {command: [echo, hello]}}
preStop: {output: container, exec: {command: [sh, -c, "echo bye; echo up > /fifo/pre; cat /fifo/pre-go"]}}`, polite))
	s.await("web", "the pod to be ready", ready)
	s.wantLogs("[postStart] hello\n")
	s.kubectl("delete", "pod", "web", "--wait=false")
	if _, err := s.fifos.Await(t.Context(), "pre"); err != nil {
		t.Fatal(err)
	}
	s.wantLogs("[postStart] hello\n[preStop] bye\n")
	if err := s.fifos.Open(t.Context(), "pre-go"); err != nil {
		t.Fatal(err)
	}
}

// wantLogs waits until kubectl logs shows exactly this.
func (s *space) wantLogs(want string) {
	s.t.Helper()
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "the log", func() error {
		if got := s.kubectl("logs", "web"); got != want {
			return fmt.Errorf("it is %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}
