package plugin

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
)

var (
	errOnePod = errors.New("name one pod")
	errCut    = errors.New("the log has been cut off")
	errAgent  = errors.New("the node's agent")
	errLimit  = errors.New("--limit: must be 0 or more")
)

// usageError is a mistake in the command line itself.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// writeError says that the result cannot be printed.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// apiService is the name of the API's registration.
const apiService = hooksapi.Version + "." + hooksapi.Group

// explain adds to an error of the API what to do about it.
func (p podArg) explain(err error) error {
	var known apierrors.APIStatus
	if !errors.As(err, &known) {
		return err
	}
	st := known.Status()
	details := st.Details
	if details == nil {
		details = &metav1.StatusDetails{}
	}
	switch st.Reason {
	case metav1.StatusReasonNotFound:
		if details.Kind == "pods" && details.Group == "" && details.Name == p.name {
			return fmt.Errorf("%w in namespace %s", err, p.namespace)
		}
		return fmt.Errorf("%w: this cluster does not serve %s: install bookend's agent, or see kubectl get apiservice %s", err, hooksapi.Group, apiService)
	case metav1.StatusReasonForbidden:
		if details.Group == hooksapi.Group {
			return fmt.Errorf("%w: the cluster lacks the ClusterRole of bookend that lets everyone ask; the right to read the pod's logs decides then", err)
		}
		return fmt.Errorf("%w: see kubectl auth can-i get pods --subresource=log -n %s", err, p.namespace)
	case metav1.StatusReasonServiceUnavailable:
		return fmt.Errorf("%w: see kubectl get apiservice %s, and the agents' pods", err, apiService)
	case metav1.StatusReasonUnauthorized:
		return fmt.Errorf("%w: log in to the cluster again", err)
	}
	return err
}
