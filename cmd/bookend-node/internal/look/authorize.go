package look

import (
	"context"
	"errors"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
)

// podRef names a pod.
type podRef struct{ namespace, name string }

// authorize asks the API server whether a user may read the pod's logs. It asks
// each time: a right that is taken away is gone at once.
func (s *Server) authorize(ctx context.Context, who user.Info, of podRef) error {
	review, err := s.opts.Client.SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: who.GetName(), UID: who.GetUID(), Groups: who.GetGroups(), Extra: extraOf(who),
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: of.namespace, Verb: "get", Version: "v1", Resource: "pods", Subresource: "log", Name: of.name,
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("ask the API server who may read the pod's logs: %w", err)
	}
	if !review.Status.Allowed || review.Status.Denied {
		why := fmt.Sprintf("%q may not read the logs of this pod (get pods/log), and so not what its hooks did", who.GetName())
		if review.Status.Reason != "" {
			why += ": " + review.Status.Reason
		}
		return refused(apierrors.NewForbidden(schema.GroupResource{Resource: "pods/log"}, of.name, errors.New(why)))
	}
	return nil
}

func extraOf(who user.Info) map[string]authorizationv1.ExtraValue {
	extra := map[string]authorizationv1.ExtraValue{}
	for key, values := range who.GetExtra() {
		extra[key] = values
	}
	return extra
}
