package look

import (
	"net/http"
	"net/url"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
)

// userHeaders are the headers that a user is handed on in, by one who is believed. Each
// list is in order: the first header that is there has the user's name or UID.
type userHeaders struct{ users, uids, groups, extraPrefixes []string }

// AuthenticateRequest implements [authenticator.Request].
func (h userHeaders) AuthenticateRequest(r *http.Request) (*authenticator.Response, bool, error) {
	who := &user.DefaultInfo{Name: first(r.Header, h.users), UID: first(r.Header, h.uids), Extra: h.extra(r.Header)}
	if who.Name == "" {
		return nil, false, nil
	}
	for _, name := range h.groups {
		for _, group := range r.Header.Values(name) {
			if group != "" {
				who.Groups = append(who.Groups, group)
			}
		}
	}
	return &authenticator.Response{User: who}, true, nil
}

func first(h http.Header, names []string) string {
	for _, name := range names {
		if value := h.Get(name); value != "" {
			return value
		}
	}
	return ""
}

// extra has what the API server escapes for the name of a header.
func (h userHeaders) extra(all http.Header) map[string][]string {
	extra := map[string][]string{}
	for _, prefix := range h.extraPrefixes {
		for name, values := range all {
			if len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
				continue
			}
			key := strings.ToLower(name[len(prefix):])
			if plain, err := url.PathUnescape(key); err == nil {
				key = plain
			}
			extra[key] = append(extra[key], values...)
		}
	}
	return extra
}
