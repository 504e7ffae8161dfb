package helm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// One story, for each part begins where the one before has ended.
func TestInstalledUpgradedRolledBackAndRemovedTheNodeIsAsItWas(t *testing.T) {
	s := newSite(t)
	bystander := s.start("bystander")
	before := s.state()

	s.apply("install", "--create-namespace")
	one := s.awaitInstalled("")
	s.wantRestarts(1)
	s.wantChanged(before)
	s.label("enabled")
	s.awaitWebhook()
	s.startHooked("old", one)
	s.wantHistory("old", "postStart")
	s.wantFailureTold()

	s.apply("upgrade", "--set", "image.tag="+second)
	two := s.awaitInstalled(one)
	s.wantShim("old", one)
	s.awaitWebhook()
	s.startHooked("new", two)
	s.end("old")

	s.helm("rollback", "1")
	if back := s.awaitInstalled(two); back != one {
		t.Errorf("rolled back the set is %s, was %s", back, one)
	}
	s.wantShim("new", two)
	s.awaitSets(one, two)
	s.awaitWebhook()
	s.startHooked("late", one)
	s.end("new")

	s.apply("upgrade", "--set", "agent.podAnnotations.upgrade=second,agent.install.uninstallSeconds=60")
	s.awaitSets(one) // no shim is of the other any more
	s.awaitWebhook()
	s.wantShim("late", one)
	s.wantRestarts(1)
	s.wantAgentsSound()

	s.label("")
	s.wantRemovalFails(s.remove())
	s.end("late")
	s.awaitForgotten()
	s.wantRestarts(2)
	s.awaitRemoved(s.remove())
	s.wantAsBefore(before)

	s.apply("install")
	if again := s.awaitInstalled(""); again != one {
		t.Errorf("installed again the set is %s, was %s", again, one)
	}
	s.label("enabled")
	s.awaitWebhook()
	s.startHooked("again", one)
	s.wantAgentsSound()
	s.label("")
	removal := s.remove()
	s.awaitHeldUp(removal)
	s.end("again")
	s.awaitRemoved(removal)
	s.wantRestarts(4)
	s.wantAsBefore(before)

	s.wantUntouched(bystander)
}

// label labels the namespace of the pods; empty: it takes the label away.
func (s *site) label(value string) {
	s.t.Helper()
	label := "bookend.dev/hooks=" + value
	if value == "" {
		label = "bookend.dev/hooks-"
	}
	s.kubectl("label", "namespace", s.shop, label)
}

func (s *site) wantRestarts(want int) {
	s.t.Helper()
	if got := s.restarts.count(); got != want {
		s.t.Errorf("containerd was restarted %d times, want %d", got, want)
	}
}

// awaitWebhook waits until all replicas of the webhook are the newest.
func (s *site) awaitWebhook() {
	s.t.Helper()
	s.kubectl("rollout", "status", "deployment", "bookend-webhook", "--namespace", system, "--timeout", harness.Scaled(2*harness.ReadyTimeout).String())
}

// wantHistory checks which hooks of a pod have run, by the API that the agent serves.
func (s *site) wantHistory(pod string, want ...string) {
	s.t.Helper()
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "the API of kubectl bookend", func() error {
		out, err := s.Kubectl(s.t.Context(), "bookend", "history", pod, "--namespace", s.shop)
		if err != nil {
			return err
		}
		if got := strings.Count(out, "Succeeded"); got != len(want) || slices.ContainsFunc(want, func(hook string) bool { return strings.Count(out, hook) != 1 }) {
			return harness.Permanent(fmt.Errorf("it tells of other runs than %q:\n%s", want, out))
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}

// wantFailureTold checks that kubectl describe says why a postStart has failed.
func (s *site) wantFailureTold() {
	s.t.Helper()
	s.create("broken", "exit 7")
	s.await("broken", "the pod to fail", func(pod *corev1.Pod) error {
		if pod == nil || pod.Status.Phase != corev1.PodFailed {
			return errors.New("it has not")
		}
		return nil
	})
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "an Event", func() error {
		out := s.kubectl("describe", "pod", "broken", "--namespace", s.shop)
		if !strings.Contains(out, "FailedPostStartHook") || !strings.Contains(out, "PostStartHook failed: exec: exit status 7") {
			return fmt.Errorf("kubectl describe does not say why it has failed:\n%s", out)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	s.kubectl("delete", "pod", "broken", "--namespace", s.shop)
}

// wantUntouched checks that a pod of another runtime has run on all the time.
func (s *site) wantUntouched(was *corev1.Pod) {
	s.t.Helper()
	is, err := s.CoreV1().Pods(s.shop).Get(s.t.Context(), was.Name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	a, b := was.Status.ContainerStatuses[0], is.Status.ContainerStatuses[0]
	if a.ContainerID != b.ContainerID || b.State.Running == nil || is.UID != was.UID {
		s.t.Errorf("the container was %+v, is %+v", a, b)
	}
	s.wantNotes(was.Name, "post")
}
