package helm

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"bookend.dev/bookend/integration/harness"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// current is the set of binaries that new shims start from; empty: there is none.
func (s *site) current() string {
	s.t.Helper()
	to, err := os.Readlink("/usr/local/bin/" + harness.ShimBinary)
	if err != nil {
		return ""
	}
	return filepath.Base(filepath.Dir(to))
}

// awaitSets waits until these sets are on the node, and no others.
func (s *site) awaitSets(want ...string) {
	s.t.Helper()
	slices.Sort(want)
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "the sets on the node", func() error {
		var is []string
		entries, err := os.ReadDir(filepath.Join(s.libDir, "versions"))
		for _, e := range entries {
			is = append(is, e.Name())
		}
		if err == nil && !slices.Equal(is, want) {
			err = fmt.Errorf("they are %q, want %q", is, want)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}

// awaitInstalled waits until pods can run on a set of binaries that is not the one
// before, and returns that.
func (s *site) awaitInstalled(before string) string {
	s.t.Helper()
	_, err := s.AwaitNode(s.t.Context(), "the node to have bookend", func(n *corev1.Node) error {
		if n == nil {
			return fmt.Errorf("it is not there")
		}
		c := bookendReady(n)
		if c == nil || c.Status != corev1.ConditionTrue || n.Labels["bookend.dev/runtime"] != "ready" {
			return fmt.Errorf("labels %v, condition %+v", n.Labels, c)
		}
		if now := s.current(); now == before || now == "" {
			return fmt.Errorf("the set is %q", now)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.current()
}

func bookendReady(n *corev1.Node) *corev1.NodeCondition {
	for i := range n.Status.Conditions {
		if n.Status.Conditions[i].Type == "BookendReady" {
			return &n.Status.Conditions[i]
		}
	}
	return nil
}

// wantAgentsSound checks that no container of bookend's own was ever restarted.
func (s *site) wantAgentsSound() {
	s.t.Helper()
	pods, err := s.CoreV1().Pods(system).List(s.t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) < 3 {
		s.t.Fatalf("%d pods, %v", len(pods.Items), err)
	}
	for _, pod := range pods.Items {
		for _, c := range pod.Status.ContainerStatuses {
			if c.RestartCount > 0 {
				s.t.Errorf("%s was restarted %d times: %+v", pod.Name, c.RestartCount, c.LastTerminationState)
			}
		}
	}
}
