package nodeinstall

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"bookend.dev/bookend/cmd/bookend-node/internal/apitest"

	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
)

func newUninstall(t *testing.T) (Uninstall, *apitest.Server) {
	api := apitest.New()
	t.Cleanup(api.Close)
	config := &rest.Config{Host: api.URL, QPS: -1}
	nodes, errNodes := kubeclient.New(config)
	meta, errMeta := metadata.NewForConfig(config)
	if err := errors.Join(errNodes, errMeta); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		api.SetNode(name, func(*corev1.Node) {})
	}
	return Uninstall{Nodes: nodes, Metadata: meta, Namespace: "bookend", DaemonSet: "agent", Pause: time.Millisecond, Log: slog.New(slog.DiscardHandler)}, api
}

func says(n *corev1.Node) {
	n.Status.Conditions = []corev1.NodeCondition{{Type: Condition, Status: corev1.ConditionFalse, Reason: ReasonInUse, Message: "pods run"}}
}

func TestUninstallAsksAndWaitsForEachNode(t *testing.T) {
	u, api := newUninstall(t)
	api.SetMeta(setPath, &metav1.ObjectMeta{Name: "agent", Annotations: map[string]string{"other": "x"}})
	api.SetNode("a", func(n *corev1.Node) { n.Labels = map[string]string{NodeLabel: LabelReady} })
	api.SetNode("b", says)
	api.SetNode("c", says) // the last one in the list
	ended := make(chan error, 1)
	go func() { ended <- u.Run(t.Context()) }()
	n := &node{t: t, api: api}
	n.until("the agents are asked", func() bool { return api.Meta(setPath).Annotations[AnnotationUninstall] != "" })
	if api.Meta(setPath).Annotations["other"] != "x" {
		t.Error("another annotation is gone")
	}
	for _, name := range []string{"a", "b", "c"} {
		select {
		case err := <-ended:
			t.Fatalf("ended before node %s, with %v", name, err)
		default:
		}
		api.SetNode(name, func(n *corev1.Node) { n.Labels, n.Status.Conditions = nil, nil })
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestUninstallNamesTheNodesThatAreLeft(t *testing.T) {
	u, api := newUninstall(t)
	api.SetNode("b", says)
	for name, there := range map[string]bool{"no agents": false, "agents": true} {
		api.SetMeta(setPath, nil)
		if there {
			api.SetMeta(setPath, &metav1.ObjectMeta{Name: "agent"})
		}
		ctx, stop := context.WithCancel(t.Context())
		asked := 0
		api.Before(func(r *http.Request) *apierrors.StatusError {
			if r.URL.Path == "/api/v1/nodes" {
				if asked++; asked > 3 { // all nodes were told of
					stop()
				}
			}
			return nil
		})
		err := u.Run(ctx)
		stop()
		api.Before(nil)
		if !errors.Is(err, ErrRemain) || !strings.Contains(err.Error(), "1 nodes have not removed bookend: b (the node is not Ready; PodsRunning: pods run)") || errors.Is(err, context.Canceled) != there {
			t.Errorf("%s: got %v", name, err)
		}
	}
	api.SetNode("b", func(n *corev1.Node) { n.Status.Conditions = nil })
	if err := u.Run(t.Context()); err != nil {
		t.Error(err)
	}
}
