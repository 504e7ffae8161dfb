package look

import (
	"context"
	"fmt"
	"net/http"
	"path"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
)

// podPath is the path of pods, up to the subresource.
const podPath = hooksapi.Root + "/namespaces/{namespace}/pods/{pod}/"

// answer answers a request for a pod of this node, of a user who may read its logs.
type answer func(http.ResponseWriter, *http.Request, *corev1.Pod) error

func (s *Server) subresources() map[string]answer {
	return map[string]answer{hooksapi.SubresourceHooks: s.hooks, hooksapi.SubresourceLog: s.log}
}

// callerKey is that of the caller in a request's context.
type callerKey struct{}

// patiently writes to clients that take what is written.
func (s *Server) patiently(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(patient{w, s.opts.Limits.Write}, r)
	})
}

// limited lets no more requests in than the agent may serve at once.
func (s *Server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.requests <- struct{}{}:
			defer func() { <-s.requests }()
			next.ServeHTTP(w, r)
		default:
			refuse(w, refused(apierrors.NewTooManyRequests("the agent serves as many requests as it may", 1)))
		}
	})
}

// known lets in who is known, and asks for a path as it is: one with "..", which the
// multiplexer would redirect, may have meant something else to the API server.
func (s *Server) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := s.authenticate(r)
		if err == nil && path.Clean(r.URL.Path) != r.URL.Path {
			err = refused(apierrors.NewBadRequest(fmt.Sprintf("the path %q is not clean", r.URL.Path)))
		}
		if err != nil {
			refuse(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
	})
}

// ofPod decides whether the caller may, finds the pod, and answers or has the agent
// of its node answer. Who may not is not told whether there is such a pod.
func (s *Server) ofPod(next answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !follows(r) {
			ctx, cancel := context.WithTimeout(r.Context(), s.opts.Limits.Whole)
			defer cancel()
			r = r.WithContext(ctx)
		}
		if err := s.answerFor(w, r, next); err != nil {
			refuse(w, err)
		}
	})
}

func (s *Server) answerFor(w http.ResponseWriter, r *http.Request, next answer) error {
	of, err := podOf(r)
	if err != nil {
		return err
	}
	who, _ := r.Context().Value(callerKey{}).(caller)
	pod, err := s.decide(r.Context(), who, of)
	if err != nil {
		return err
	}
	if pod.Spec.NodeName != s.opts.Node {
		return s.forward(w, r, who, pod.Spec.NodeName)
	}
	return next(w, r, pod)
}

// decide tells whether the caller may, and returns the pod. It takes no longer than an
// answer may, whatever the answer is.
func (s *Server) decide(ctx context.Context, who caller, of podRef) (*corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Limits.Whole)
	defer cancel()
	if err := s.authorize(ctx, who.user, of); err != nil {
		return nil, err
	}
	return s.pod(ctx, of)
}

// podOf reads the names in the path, which the API server has not checked.
func podOf(r *http.Request) (podRef, error) {
	of := podRef{namespace: r.PathValue("namespace"), name: r.PathValue("pod")}
	if len(validation.IsDNS1123Label(of.namespace)) > 0 || len(validation.IsDNS1123Subdomain(of.name)) > 0 {
		return of, refused(apierrors.NewBadRequest(fmt.Sprintf("no pod can have the name %q in namespace %q", of.name, of.namespace)))
	}
	return of, nil
}

// orHealth tells anyone that the process serves, and under /readyz whether it knows
// whom to believe.
func (s *Server) orHealth(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.Ready()
		switch path := r.URL.Path; {
		case path == "/readyz" && err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		case path == "/healthz" || path == "/livez" || path == "/readyz":
			fmt.Fprint(w, "ok")
		default:
			next.ServeHTTP(w, r)
		}
	})
}
