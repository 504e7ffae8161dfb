package look

import (
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/hooks/record"
)

// hooks answers with where the pod's containers stand.
func (s *Server) hooks(w http.ResponseWriter, _ *http.Request, pod *corev1.Pod) error {
	statuses, _, err := s.opts.Records.Statuses()
	if err != nil {
		return fmt.Errorf("read the statuses of node %s: %w", s.opts.Node, err)
	}
	take := ofPod(pod)
	taken := []record.Status{}
	for _, st := range statuses {
		if take(st.Subject) {
			taken = append(taken, st)
		}
	}
	reply(w, http.StatusOK, hooksapi.PodHooks{
		TypeMeta:   metav1.TypeMeta{Kind: hooksapi.KindPodHooks, APIVersion: hooksapi.GroupVersion},
		About:      s.about(pod),
		Containers: taken,
	})
	return nil
}

func (s *Server) about(pod *corev1.Pod) hooksapi.About {
	return hooksapi.About{Node: s.opts.Node, Now: time.Now().UTC(), RuntimeClassName: runtimeClass(pod)}
}
