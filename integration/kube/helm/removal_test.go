package helm

import (
	"fmt"
	"strings"

	"bookend.dev/bookend/integration/harness"
	"bookend.dev/bookend/integration/kube"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// remove begins helm uninstall, whose end the channel has.
func (s *site) remove() <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := s.Helm(s.t.Context(), "uninstall", release, "--namespace", system, "--timeout", "11m")
		ended <- err
	}()
	return ended
}

func (s *site) awaitRemoved(ended <-chan error) {
	s.t.Helper()
	if err := <-ended; err != nil {
		s.t.Fatal(err)
	}
}

// awaitHeldUp waits until the node says that a pod holds its removal up, and that no more
// come.
func (s *site) awaitHeldUp(ended <-chan error) {
	s.t.Helper()
	const reason = "PodsRunning"
	_, err := s.AwaitNode(s.t.Context(), "the removal to be held up", func(n *corev1.Node) error {
		if c := bookendReady(n); c == nil || c.Reason != reason || n.Labels["bookend.dev/runtime"] != "" {
			return fmt.Errorf("labels %v, condition %+v", n.Labels, c)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	err = harness.Poll(s.t.Context(), harness.ReadyTimeout, "an Event", func() error {
		events, err := s.CoreV1().Events(metav1.NamespaceDefault).List(s.t.Context(), metav1.ListOptions{FieldSelector: "reason=" + reason + ",involvedObject.kind=Node"})
		if err == nil && (len(events.Items) != 1 || !strings.Contains(events.Items[0].Message, "follow when the last pod")) {
			err = fmt.Errorf("they are %+v", events.Items)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
	select {
	case err := <-ended:
		s.t.Fatalf("helm uninstall has ended: %v", err)
	default:
	}
}

// wantRemovalFails checks that the removal ends, and says which node is left and why.
func (s *site) wantRemovalFails(ended <-chan error) {
	s.t.Helper()
	s.awaitHeldUp(ended)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), kube.NodeName+" (PodsRunning: ") {
		s.t.Errorf("helm uninstall has failed with: %v", err)
	}
}

// awaitForgotten waits until the agent has nothing to say of its node any more.
func (s *site) awaitForgotten() {
	s.t.Helper()
	_, err := s.AwaitNode(s.t.Context(), "the agent to undo all", func(n *corev1.Node) error {
		if c := bookendReady(n); c != nil {
			return fmt.Errorf("its condition is %+v", c)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
