package look

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
)

// Headers mean what they mean to every other aggregated API.
func TestHeadersOfAUserAreReadAsByAnAPIServer(t *testing.T) {
	ours := userHeaders{
		users: []string{"X-Remote-User", "X-User"}, uids: []string{"X-Remote-Uid"},
		groups: []string{"X-Remote-Group", "x-group"}, extraPrefixes: []string{"X-Remote-Extra-", "x-more-"},
	}
	theirs, err := headerrequest.New(ours.users, ours.uids, ours.groups, ours.extraPrefixes)
	if err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]http.Header{
		"no user":         {"X-Remote-Group": {"system:masters"}},
		"an empty user":   {"X-Remote-User": {""}, "X-Remote-Uid": {"1"}},
		"a user":          {"X-Remote-User": {"reader", "other"}, "X-Remote-Uid": {"1", "2"}},
		"another header":  {"X-User": {"reader"}},
		"the first":       {"X-User": {"second"}, "X-Remote-User": {"first"}},
		"groups":          {"X-Remote-User": {"reader"}, "X-Remote-Group": {"a", "", "b"}, "X-Group": {"c"}},
		"extra":           {"X-Remote-User": {"reader"}, "X-Remote-Extra-Scopes": {"a", "b"}, "X-More-Scopes": {"c"}},
		"an escaped key":  {"X-Remote-User": {"reader"}, "X-Remote-Extra-Example.com%2fscopes": {"a"}},
		"no escape":       {"X-Remote-User": {"reader"}, "X-Remote-Extra-50%": {"a"}},
		"a key in a case": {"X-Remote-User": {"reader"}, "x-REMOTE-extra-UPPER": {"a"}},
		"a prefix alone":  {"X-Remote-User": {"reader"}, "X-Remote-Extra-": {"a"}},
	} {
		request := func() *http.Request {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Header = header.Clone()
			return r
		}
		got, gotOK, gotErr := ours.AuthenticateRequest(request())
		want, wantOK, wantErr := theirs.AuthenticateRequest(request())
		if gotOK != wantOK || gotErr != nil || wantErr != nil {
			t.Errorf("%s: %v, %v; want %v, %v", name, gotOK, gotErr, wantOK, wantErr)
			continue
		}
		if !wantOK {
			continue
		}
		g, w := got.User, want.User
		if g.GetName() != w.GetName() || g.GetUID() != w.GetUID() || !reflect.DeepEqual(g.GetExtra(), w.GetExtra()) ||
			len(g.GetGroups()) != len(w.GetGroups()) || len(w.GetGroups()) > 0 && !reflect.DeepEqual(g.GetGroups(), w.GetGroups()) {
			t.Errorf("%s: %+v, want %+v", name, g, w)
		}
	}
}
