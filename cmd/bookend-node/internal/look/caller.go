package look

import (
	"context"
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"
)

// caller is whose request it is.
type caller struct {
	user user.Info
	// forwarded says that another agent has sent the request on. It goes no
	// further.
	forwarded bool
}

// authenticate tells whose request it is. A request with a certificate is the API
// server's, or no one's: no token makes up for a certificate that is not believed.
func (s *Server) authenticate(r *http.Request) (caller, error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.Limits.Whole)
	defer cancel()
	r = r.WithContext(ctx)
	if err := s.frontProxy.ready(); err != nil {
		return caller{}, refused(apierrors.NewServiceUnavailable(err.Error()))
	}
	by, forwarded := s.frontProxy.AuthenticateRequest, false
	if !isFrontProxy(r) {
		// Anyone can send a token, and has the API server look at it.
		select {
		case s.tokens <- struct{}{}:
			defer func() { <-s.tokens }()
		default:
			return caller{}, refused(apierrors.NewTooManyRequests("the agent has as many tokens looked at as it may", 1))
		}
		by, forwarded = s.agentToken.AuthenticateRequest, true
	}
	answer, ok, err := by(r)
	var unasked *reviewError
	switch {
	case errors.As(err, &unasked):
		return caller{}, err
	case err != nil:
		s.opts.Log.Warn("a caller is not believed", "remote", r.RemoteAddr, "error", err)
		return caller{}, refused(apierrors.NewUnauthorized(errStranger.Error()))
	case !ok:
		return caller{}, refused(apierrors.NewUnauthorized(errStranger.Error()))
	}
	return caller{user: answer.User, forwarded: forwarded}, nil
}
