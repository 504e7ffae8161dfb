package look

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// refusal is an answer to the caller, in the words of the API server. Every other
// error is trouble of the agent's own, of which the caller has no part: that the
// agent may not read a pod does not mean that the caller may not.
type refusal struct{ status metav1.Status }

func (r *refusal) Error() string { return r.status.Message }

func refused(err *apierrors.StatusError) error { return &refusal{err.Status()} }

// reply writes a document.
func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // an error: the client has gone
}

// refuse replies with an error, as the API server does.
func refuse(w http.ResponseWriter, err error) {
	st := statusOf(err)
	st.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	reply(w, int(st.Code), st)
}

func statusOf(err error) metav1.Status {
	var known *refusal
	switch {
	case errors.As(err, &known):
		return known.status
	case errors.Is(err, context.DeadlineExceeded):
		return apierrors.NewTimeoutError(err.Error(), 1).Status()
	default:
		return apierrors.NewInternalError(err).Status()
	}
}
