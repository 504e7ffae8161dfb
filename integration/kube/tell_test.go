package kube

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
)

// told returns how often the Events about a pod tell of a reason, and what they say
// of it.
func (s *space) told(uid types.UID, reason string) (times int32, message string) {
	s.t.Helper()
	list, err := s.CoreV1().Events(s.name).List(s.t.Context(), metav1.ListOptions{
		FieldSelector: fields.Set{"involvedObject.uid": string(uid), "reason": reason}.String(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range list.Items {
		times, message = times+max(1, e.Count), e.Message
	}
	return times, message
}

// wantTold waits until the Events about a pod tell of a reason, and checks that they
// do so once.
func (s *space) wantTold(uid types.UID, reason, message string) {
	s.t.Helper()
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "an Event "+reason, func() error {
		switch times, said := s.told(uid, reason); {
		case times == 0:
			return errors.New("there is none")
		case times > 1 || said != message:
			return harness.Permanent(fmt.Errorf("%d of them, the last %q; want one, %q", times, said, message))
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}

func TestAFailedPostStartOfAPlainLifecycleIsAnEvent(t *testing.T) {
	s := newHookedSpace(t)
	s.create(s.plain("web", harness.Bookend, polite, edits(never, hooks(shell("echo secret; exit 7"), nil))))
	s.await("web", "the pod to fail", func(pod *corev1.Pod) error {
		if pod == nil || pod.Status.Phase != corev1.PodFailed {
			return errors.New("it has not")
		}
		return nil
	})
	const message = "PostStartHook failed: exec: exit status 7"
	s.wantTold(s.uid("web"), "FailedPostStartHook", message)
	described := s.kubectl("describe", "pod", "web")
	if !strings.Contains(described, "FailedPostStartHook") || !strings.Contains(described, message) {
		t.Errorf("kubectl describe says nothing of it:\n%s", described)
	}
}

func TestAFailedPreStopOfAPlainLifecycleIsAnEvent(t *testing.T) {
	s := newHookedSpace(t)
	s.create(s.plain("web", harness.Bookend, polite, hooks(nil, shell("echo secret; exit 8"))))
	s.await("web", "the pod to be ready", ready)
	uid := s.uid("web")
	s.remove("web")
	s.wantTold(uid, "FailedPreStopHook", "PreStopHook failed: exec: exit status 8")
}
