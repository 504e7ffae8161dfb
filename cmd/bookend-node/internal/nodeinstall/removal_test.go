package nodeinstall

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"bookend.dev/bookend/cmd/bookend-node/internal/apitest"
)

func TestWhatIsARemoval(t *testing.T) {
	now := metav1.Now()
	const failed why = "failed"
	for name, tt := range map[string]struct {
		change     func(n *node)
		runs, ends why
	}{
		"a rolling update, a drain":             {func(*node) {}, stays, stays},
		"asked for":                             {func(n *node) { n.ask(true) }, asked, asked},
		"deleted in the background":             {func(n *node) { n.api.SetMeta(setPath, nil) }, deleting, deleting},
		"deleted, and the agent's pod by force": {func(n *node) { n.api.SetMeta(setPath, nil); n.api.SetMeta(podPath, nil) }, deleting, deleting},
		"deleted in the foreground": {func(n *node) {
			n.set(func(m *metav1.ObjectMeta) { m.DeletionTimestamp, m.Finalizers = &now, []string{"foregroundDeletion"} })
		}, deleting, deleting},
		"to be deleted without its pods": {func(n *node) {
			n.set(func(m *metav1.ObjectMeta) { m.DeletionTimestamp, m.Finalizers = &now, []string{"orphan"} })
		}, stays, stays},
		"deleted without its pods": {func(n *node) {
			n.api.SetMeta(setPath, nil)
			n.api.SetMeta(podPath, &metav1.ObjectMeta{Name: "agent-1"})
		}, stays, stays},
		"replaced by another": {func(n *node) { n.api.SetMeta(setPath, &metav1.ObjectMeta{Name: "agent", UID: "2"}) }, stays, stays},
		"its namespace is deleted": {func(n *node) {
			n.api.SetMeta(namespacePath, &metav1.ObjectMeta{Name: "bookend", DeletionTimestamp: &now})
		}, stays, deleting},
		"the API server does not say": {func(n *node) {
			n.api.Before(func(r *http.Request) *apierrors.StatusError {
				if strings.HasSuffix(r.URL.Path, "/daemonsets/agent") {
					return apierrors.NewForbidden(corev1.Resource("daemonsets"), "agent", errors.New("may not"))
				}
				return nil
			})
		}, failed, failed},
	} {
		n := &node{t: t, api: apitest.New()}
		n.api.SetMeta(namespacePath, &metav1.ObjectMeta{Name: "bookend"})
		n.deploy("1")
		api, err := metadata.NewForConfig(&rest.Config{Host: n.api.URL, QPS: -1})
		if err != nil {
			t.Fatal(err)
		}
		r := removal{api: api, namespace: "bookend", pod: "agent-1"}
		if got, err := r.wanted(t.Context(), true); got != stays || err != nil {
			t.Errorf("%s, before: %q, %v", name, got, err)
		}
		tt.change(n)
		for ends, want := range map[bool]why{false: tt.runs, true: tt.ends} {
			got, err := r.wanted(t.Context(), ends)
			if err != nil && got == stays {
				got = failed
			}
			if got != want {
				t.Errorf("%s, the agent ends: %v: got %q, %v, want %q", name, ends, got, err, want)
			}
		}
		n.api.Close()
	}
}

// set changes the DaemonSet.
func (n *node) set(change func(*metav1.ObjectMeta)) {
	m := n.api.Meta(setPath)
	change(&m)
	n.api.SetMeta(setPath, &m)
}

// run runs an agent until end is called, which returns when it has ended.
func (n *node) run() (end func()) {
	n.opts.Pauses = Pauses{Soon: 20 * time.Millisecond, Rest: 20 * time.Millisecond, Files: time.Hour, Failed: 20 * time.Millisecond, Failing: 20 * time.Millisecond, Ready: time.Hour}
	ctx, stop := context.WithCancel(n.t.Context())
	in, ended := New(n.opts), make(chan error, 1)
	go func() { ended <- in.Run(ctx) }()
	return func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				n.t.Errorf("the agent ended with %v", err)
			}
		case <-time.After(time.Minute):
			n.t.Error("the agent does not end")
		}
	}
}

// until waits until something holds.
func (n *node) until(what string, holds func() bool) {
	n.t.Helper()
	ctx, stop := context.WithTimeout(n.t.Context(), time.Minute)
	defer stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			node := n.api.Node("n1")
			n.t.Fatalf("%s: not within a minute: %+v", what, conditionOf(&node, Condition))
		}
	}
}

func (n *node) reason() string {
	node := n.api.Node("n1")
	if c := conditionOf(&node, Condition); c != nil {
		return c.Reason
	}
	return ""
}

func TestAnAgentThatEndsLeavesTheNodeUnlessItsDaemonSetGoes(t *testing.T) {
	n := newNode(t, "containerd")
	before := n.tree()
	beat := func() { n.heartbeat() }
	end := n.run()
	n.until("it is installed", func() bool { beat(); return n.reason() == ReasonInstalled })
	with := n.tree()
	end() // a rolling update
	n.says(ReasonInstalled, true)
	if n.tree() != with {
		t.Error("SIGTERM alone has changed the node")
	}
	// Two at once are one after the other.
	end = n.run()
	second := n.run()
	second()
	n.until("the first has the node to itself", func() bool {
		f, err := lockFile(filepath.Join(n.opts.State, lockName))
		if err == nil {
			f.Close()
		}
		return err != nil
	})
	// Deleted, while a pod runs.
	stopShim := n.shim()
	n.api.SetMeta(setPath, nil)
	done := make(chan struct{})
	go func() { defer close(done); end() }()
	n.until("it waits for the pod", func() bool { return n.reason() == ReasonInUse })
	n.says(ReasonInUse, false)
	stopShim()
	n.until("the node says nothing more", func() bool { beat(); return n.reason() == "" })
	<-done
	n.says("", false)
	if after := n.tree(); after != before {
		t.Errorf("the node is not as it was: %s", after)
	}
}

// A DaemonSet that takes the place of the deleted one ends what the deletion began: its
// agent does not wait for pods to end.
func TestANewDaemonSetTakesOver(t *testing.T) {
	n := newNode(t, "containerd")
	end := n.run()
	n.until("it is installed", func() bool { n.heartbeat(); return n.reason() == ReasonInstalled })
	defer n.shim()()
	n.api.SetMeta(setPath, nil)
	done := make(chan struct{})
	go func() { defer close(done); end() }()
	n.until("it waits for the pod", func() bool { return n.reason() == ReasonInUse })
	n.deploy("2")
	<-done
	n.says(ReasonInUse, false)
	end = n.run()
	n.until("it is labelled again", func() bool { return n.reason() == ReasonInstalled })
	end()
	n.says(ReasonInstalled, true)
}

// An agent whose rights have gone with its DaemonSet does not hold the node up.
func TestAnAgentWithoutRightsEnds(t *testing.T) {
	n := newNode(t, "containerd")
	end := n.run()
	n.until("it is installed", func() bool { n.heartbeat(); return n.reason() == ReasonInstalled })
	defer n.shim()()
	n.api.SetMeta(setPath, nil)
	done := make(chan struct{})
	go func() { defer close(done); end() }()
	n.until("it waits for the pod", func() bool { return n.reason() == ReasonInUse })
	n.api.Before(func(*http.Request) *apierrors.StatusError { return apierrors.NewUnauthorized("who?") })
	<-done
	n.api.Before(nil)
	n.says(ReasonInUse, false)
}

// An API server that does not answer for a moment keeps no agent from its removal.
func TestAnAgentThatEndsAsksAgain(t *testing.T) {
	n := newNode(t, "containerd")
	n.opts.Pauses = Pauses{Failed: time.Millisecond}
	in, failures := New(n.opts), 0
	n.api.SetMeta(setPath, &metav1.ObjectMeta{Name: "agent", DeletionTimestamp: &metav1.Time{Time: n.now}})
	n.api.Before(func(r *http.Request) *apierrors.StatusError {
		if failures++; failures < leaveTries {
			return apierrors.NewInternalError(errors.New("not now"))
		}
		return nil
	})
	if !in.leaves(t.Context()) {
		t.Error("it stays")
	}
	n.api.Before(nil)
}

// What an administrator asks for is seen while all rests, and by nodes that are new.
func TestARestingAgentSeesWhatIsAskedOfIt(t *testing.T) {
	n := newNode(t, "containerd")
	end := n.run()
	defer end()
	n.until("it is installed", func() bool { n.heartbeat(); return n.reason() == ReasonInstalled })
	n.api.SetNode("n1", func(node *corev1.Node) { node.Labels = nil }) // registered again
	n.until("it is labelled again", func() bool { node := n.api.Node("n1"); return node.Labels[NodeLabel] == LabelReady })
	n.ask(true)
	n.until("it is removed", func() bool { n.heartbeat(); return n.reason() == "" })
	n.ask(false)
	n.until("it is installed again", func() bool { n.heartbeat(); return n.reason() == ReasonInstalled })
}
