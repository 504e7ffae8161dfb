package look

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/authenticator"

	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
)

// agentToken knows another agent by a token of the agents' service account, for
// [Audience] alone, and takes the user from the headers that agents forward.
type agentToken struct {
	client *kubeclient.Client
	user   string // of the agents' service account
}

func newAgentToken(client *kubeclient.Client, user string) *agentToken {
	return &agentToken{client: client, user: user}
}

// agentHeaders are those that agents hand a user on in.
func agentHeaders() userHeaders {
	return userHeaders{users: []string{headerUser}, uids: []string{headerUID}, groups: []string{headerGroup}, extraPrefixes: []string{headerExtraPrefix}}
}

// Headers in which agents hand a user on, as transport.SetAuthProxyHeaders of
// client-go writes them.
const (
	headerUser        = "X-Remote-User"
	headerUID         = "X-Remote-Uid"
	headerGroup       = "X-Remote-Group"
	headerExtraPrefix = "X-Remote-Extra-"
)

// AuthenticateRequest implements [authenticator.Request].
func (a *agentToken) AuthenticateRequest(r *http.Request) (*authenticator.Response, bool, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return nil, false, nil
	}
	if err := a.review(r.Context(), token); err != nil {
		return nil, false, err
	}
	return agentHeaders().AuthenticateRequest(r)
}

// reviewError says that the API server could not be asked.
type reviewError struct{ err error }

func (e *reviewError) Error() string { return fmt.Sprintf("review the token of an agent: %v", e.err) }
func (e *reviewError) Unwrap() error { return e.err }

// review asks the API server whose token it is. One that cannot tell audiences
// apart names none, and is not believed.
func (a *agentToken) review(ctx context.Context, token string) error {
	review, err := a.client.TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{Audience}},
	}, metav1.CreateOptions{})
	if err != nil {
		return &reviewError{err}
	}
	st := review.Status
	if !st.Authenticated || !slices.Contains(st.Audiences, Audience) || st.User.Username != a.user {
		return errStranger
	}
	return nil
}
