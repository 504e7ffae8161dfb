//go:build kube

package check

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const (
	nodeManifest = `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: n1}}
- {apiVersion: v1, kind: Node, metadata: {name: n2}}
- apiVersion: v1
  kind: Pod
  metadata: {name: agent, namespace: ` + namespace + `}
  spec:
    nodeName: n1
    serviceAccountName: bookend-agent
    containers: [{name: agent, image: bookend}]
`
	label = `{"metadata": {"labels": {"bookend.dev/runtime": "ready"}}}`
	state = `{"status": {"conditions": [{"type": "BookendReady", "status": "True"}]}}`
)

// The API server knows an agent's node by its token.
func TestAServerLetsAgentsChangeTheirOwnNodeAlone(t *testing.T) {
	s := newServer(t)
	s.run("kubectl", "create", "namespace", namespace)
	s.write("manifest.yaml", string(text(t, render(t, nil))))
	s.run("kubectl", "apply", "-f", s.dir+"/manifest.yaml")
	s.write("nodes.yaml", nodeManifest)
	s.run("kubectl", "create", "-f", s.dir+"/nodes.yaml")
	patch := func(token, path, what string) error { return s.patch(token, "/api/v1/nodes/"+path, what) }
	bound := strings.TrimSpace(s.run("kubectl", "create", "token", "bookend-agent", "-n", namespace, "--bound-object-kind=Pod", "--bound-object-name=agent"))
	unbound := strings.TrimSpace(s.run("kubectl", "create", "token", "bookend-agent", "-n", namespace))
	// A policy is in force a moment after it is there.
	s.await("the policy", func() error {
		if patch(bound, "n2", label) == nil {
			return errors.New("it is not in force")
		}
		return nil
	})
	for name, got := range map[string]struct {
		err  error
		want string // empty: it may
	}{
		"label of another":        {patch(bound, "n2", label), "the agent of node n1 may change that one alone"},
		"status of another":       {patch(bound, "n2/status", state), "the agent of node n1 may change that one alone"},
		"with a token of no pod":  {patch(unbound, "n1", label), "the token of an agent must be bound to its pod"},
		"label of its own":        {patch(bound, "n1", label), ""},
		"status of its own":       {patch(bound, "n1/status", state), ""},
		"another user, any other": {patch("admin", "n2", label), ""},
	} {
		if got.want == "" && got.err != nil || got.want != "" && (got.err == nil || !strings.Contains(got.err.Error(), got.want)) {
			t.Errorf("%s: %v, want %q", name, got.err, got.want)
		}
	}
}

// patch makes a merge patch, with no other request before it, as kubectl makes them.
func (s *server) patch(token, path, what string) error {
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPatch, s.url+path, strings.NewReader(what))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/merge-patch+json")
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer tr.CloseIdleConnections()
	answer, err := (&http.Client{Transport: tr}).Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", answer.StatusCode, body)
	}
	return err
}
