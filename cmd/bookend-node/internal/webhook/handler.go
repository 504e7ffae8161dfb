package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"bookend.dev/bookend/cmd/bookend-node/internal/admission"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// Namespaces knows namespaces by their names.
type Namespaces interface {
	// Labels returns the labels of a namespace.
	Labels(ctx context.Context, name string) (map[string]string, error)
}

// Handler answers the requests of an API server.
type Handler struct {
	Admitter   *admission.Admitter
	Namespaces Namespaces
}

var _ ctrl.Handler = (*Handler)(nil)

// Handle implements controller-runtime's Handler.
func (h *Handler) Handle(ctx context.Context, req ctrl.Request) ctrl.Response {
	verdict, err := h.decide(ctx, &req)
	switch {
	case errors.Is(err, admission.ErrMalformed):
		return ctrl.Errored(http.StatusBadRequest, err)
	case err != nil:
		return ctrl.Errored(http.StatusInternalServerError, err)
	case verdict.Refused != "":
		return ctrl.Denied(verdict.Refused).WithWarnings(verdict.Warnings...)
	}
	response := ctrl.Allowed("").WithWarnings(verdict.Warnings...)
	response.Patches = verdict.Patch
	return response
}

// decide asks the admitter about what is created or changed. A request for anything
// else, which a webhook's rules may let pass, is granted.
func (h *Handler) decide(ctx context.Context, req *ctrl.Request) (*admission.Verdict, error) {
	kind := req.Kind.Kind
	if req.Kind.Group != "" {
		kind = ""
	}
	switch {
	case req.Operation == "":
		return nil, fmt.Errorf("request without an operation: %w", admission.ErrMalformed)
	case kind == "Binding" && req.Operation == admissionv1.Create:
		return h.Admitter.Bind(req.Object.Raw)
	case kind == "Pod" && req.Operation == admissionv1.Create && req.SubResource == "":
		labels, err := h.Namespaces.Labels(ctx, req.Namespace)
		if err != nil {
			return nil, err
		}
		return h.Admitter.Create(req.Object.Raw, labels)
	case kind == "Pod" && req.Operation == admissionv1.Update:
		labels, err := h.Namespaces.Labels(ctx, req.Namespace)
		if err != nil {
			return nil, err
		}
		return h.Admitter.Update(req.OldObject.Raw, req.Object.Raw, labels)
	}
	return &admission.Verdict{}, nil
}

// name of the object, for what is logged.
func nameOf(req *ctrl.Request) types.NamespacedName {
	return types.NamespacedName{Namespace: req.Namespace, Name: req.Name}
}
