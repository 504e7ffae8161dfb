package nodeinstall

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// On a node of each distribution: deploy and remove, and on one of them once more.
// containerd is restarted once each time, by its unit, and the node is as it was.
func TestThereAndBack(t *testing.T) {
	for tree, unit := range map[string]string{
		"containerd": "containerd", "containerd-2.0": "containerd", "containerd-imports-1.7": "containerd", "kind": "containerd",
		"k3s": "k3s-agent", "rke2": "rke2-server", "rke2-1.7": "rke2-server", "k0s-1.7": "k0sworker", "microk8s": "snap.microk8s.daemon-containerd",
	} {
		t.Run(tree, func(t *testing.T) {
			n := newNode(t, tree)
			before, rounds := n.tree(), 1
			if tree == "containerd" {
				rounds = 2
			}
			for round := range rounds {
				n.ask(false)
				n.step(Place)
				n.says(ReasonInstalling, false)
				n.steps(Restart, Wait)
				n.says(ReasonNodeNotReady, false)
				n.heartbeat()
				n.steps(Settle, Label, Rest)
				n.says(ReasonInstalled, true)
				n.step(Rest)
				n.ask(true)
				n.step(Unlabel)
				n.says(ReasonRemoving, false)
				n.steps(Undo, Restart, Wait)
				n.says(ReasonNodeNotReady, false)
				n.heartbeat()
				n.steps(Settle, Forget, Rest)
				n.says("", false)
				if after := n.tree(); after != before {
					t.Fatalf("the node is not as it was: %s\nbefore: %s", after, before)
				}
				if want := slices.Repeat([]string{unit + ".service"}, 2*round+2); !slices.Equal(n.units, want) {
					t.Errorf("restarted %q, want %q", n.units, want)
				}
			}
			if _, err := os.Stat(filepath.Join(n.opts.State, journalName)); err == nil {
				t.Error("the journal is left")
			}
			for _, reason := range []string{ReasonInstalled, ReasonRestarting, ReasonRemoved} {
				if got, want := n.events(reason), int32(rounds); got < want {
					t.Errorf("%d Events %s, want %d", got, reason, want)
				}
			}
		})
	}
}

// installed is a node with the runtime.
func installed(t *testing.T, tree string) *node {
	t.Helper()
	n := newNode(t, tree)
	n.steps(Place, Restart)
	n.heartbeat()
	n.steps(Settle, Label, Rest)
	return n
}

// sets are those in place.
func (n *node) sets() []string {
	n.t.Helper()
	dirs, err := filepath.Glob(filepath.Join(n.root, "usr/local/lib/bookend/versions/*"))
	if err != nil {
		n.t.Fatal(err)
	}
	return dirs
}

// An upgrade restarts nothing; running shims keep their binaries, and those go with the
// last of them.
func TestAnUpgradeSparesShimsThatRun(t *testing.T) {
	n := installed(t, "containerd")
	old := n.sets()
	end := n.shim("77")
	n.release("2")
	n.steps(Place, Rest)
	n.says(ReasonInstalled, true)
	if now := n.sets(); len(now) != 2 || !slices.Contains(now, old[0]) {
		t.Errorf("sets %v, of which a shim runs from %v", now, old)
	}
	link, err := os.Readlink(filepath.Join(n.root, "usr/local/bin/containerd-shim-bookend-v2"))
	if err != nil || strings.Contains(link, filepath.Base(old[0])) {
		t.Errorf("new pods get %s, %v", link, err)
	}
	end()
	n.steps(Place, Rest)
	if now := n.sets(); len(now) != 1 || now[0] == old[0] {
		t.Errorf("sets %v: the old one is there without its shim", now)
	}
	if len(n.units) != 1 {
		t.Errorf("restarted %q", n.units)
	}
}

// While pods run the label goes at once, an Event says why, and the rest follows.
func TestARemovalWaitsForPods(t *testing.T) {
	n := installed(t, "containerd")
	end := n.shim("77")
	with := n.tree()
	n.ask(true)
	n.steps(Unlabel, Wait, Wait)
	n.says(ReasonInUse, false)
	if got := n.events(ReasonInUse); got != 1 {
		t.Errorf("%d Events", got)
	}
	if n.tree() != with {
		t.Error("files have changed under pods that run")
	}
	end()
	n.steps(Undo, Restart)
	n.heartbeat()
	n.steps(Settle, Forget, Rest)
}

// What an agent that was killed did not do the next one does, and no more.
func TestAKilledAgentIsFollowedByOneThatGoesOn(t *testing.T) {
	t.Run("before it restarts", func(t *testing.T) {
		n := newNode(t, "containerd")
		n.step(Place)
		n.steps(Restart, Wait)
	})
	t.Run("after it has restarted, before that is noted", func(t *testing.T) {
		n := newNode(t, "containerd")
		n.step(Place)
		if err := n.restart(t.Context(), "", "by the killed agent"); err != nil {
			t.Fatal(err)
		}
		n.step(Wait) // for the node, and no second restart
		n.heartbeat()
		n.steps(Settle, Label)
		if len(n.units) != 1 {
			t.Errorf("restarted %q", n.units)
		}
	})
	t.Run("between note and change", func(t *testing.T) {
		n := newNode(t, "containerd")
		if err := (journal{Restart: RestartDue, Started: "boot/1/1"}).save(n.opts.State); err != nil {
			t.Fatal(err)
		}
		n.step(Place)
		n.step(Restart)
		if len(n.units) != 1 {
			t.Errorf("restarted %q", n.units)
		}
	})
}

// A configuration with which containerd does not serve is taken back, once, until there
// are other binaries.
func TestHarmIsUndone(t *testing.T) {
	n := newNode(t, "containerd")
	before := n.tree()
	n.become(func() { n.broken = true })
	n.steps(Place, Restart, Wait)
	n.says(ReasonContainerd, false)
	n.become(func() { n.now = n.now.Add(n.in.Pauses.Ready + time.Second) })
	n.steps(GiveUp, Undo, Restart)
	n.heartbeat()
	n.steps(Settle, Rest, Rest)
	n.says(ReasonGaveUp, false)
	if n.tree() != before {
		t.Error("the node is not as it was")
	}
	if len(n.units) != 2 || n.events(ReasonGaveUp) == 0 {
		t.Errorf("restarted %q, %d Events", n.units, n.events(ReasonGaveUp))
	}
	n.release("2")
	n.become(func() { n.broken = false })
	n.steps(Place, Restart)
	n.heartbeat()
	n.steps(Settle, Label)
}

// A failure is told and does not end the agent; containerd is not restarted for it.
func TestAFailureIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		tree, reason, message string
		change                func(n *node)
	}{
		"a node that cannot be changed":  {"talos", "PlaceFailed", "system extension", nil},
		"several":                        {"k3s-and-docker", "PlaceFailed", "--distribution", nil},
		"a containerd that is too old":   {"containerd-inline-1.7", "PlaceFailed", "1.6.9 cannot start this shim", func(n *node) { n.become(func() { n.version = "v1.6.9" }) }},
		"no binaries":                    {"containerd", "PlaceFailed", "no such file", func(n *node) { n.opts.Host.From += "/none" }},
		"a journal that cannot be read":  {"containerd", "PlaceFailed", "install.json", func(n *node) { n.write(filepath.Join(n.opts.State, journalName), []byte("{"), 0o600) }},
		"a journal that cannot be saved": {"containerd", "PlaceFailed", "not a directory", func(n *node) { n.write(n.opts.State+"file", nil, 0o600); n.opts.State += "file/x" }},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, tt.tree)
			before := n.tree()
			if tt.change != nil {
				tt.change(n)
			}
			for range 3 {
				n.in = New(n.opts)
				if _, err := n.in.Step(t.Context()); err == nil || !strings.Contains(err.Error(), tt.message) {
					t.Fatalf("got %v, want %q", err, tt.message)
				}
			}
			n.says(tt.reason, false)
			node := n.api.Node("n1")
			if c := conditionOf(&node, Condition); !strings.Contains(c.Message, tt.message) {
				t.Errorf("the condition says %q, not %q", c.Message, tt.message)
			}
			if got := n.events(tt.reason); got != 1 {
				t.Errorf("%d Events", got)
			}
			if n.tree() != before || len(n.units) != 0 {
				t.Errorf("the node has changed, restarts %q", n.units)
			}
		})
	}
}

func TestARestartThatFailedIsTriedAgainOnlyWhereContainerdRan(t *testing.T) {
	n := newNode(t, "containerd")
	tries := 0
	fail := errors.New("no bus")
	n.opts.Restarter.systemd = func(context.Context, string, string) error {
		tries++
		return fail
	}
	n.step(Place)
	for range 2 {
		n.in = New(n.opts)
		if _, err := n.in.Step(t.Context()); !errors.Is(err, fail) {
			t.Fatalf("got %v", err)
		}
		n.says("RestartFailed", false)
	}
	fail = errJob // stopped, and not started
	if _, err := New(n.opts).Step(t.Context()); !errors.Is(err, fail) {
		t.Fatalf("got %v", err)
	}
	n.step(Wait)
	if tries != 3 {
		t.Errorf("%d tries", tries)
	}
}

// On EKS a person adds the runtime to the NodeConfig: binaries are placed, and pods
// come when containerd has it.
func TestWhatAPersonHasToDoIsTold(t *testing.T) {
	n := newNode(t, "eks-1.7")
	n.steps(Place, Wait)
	n.says(ReasonByHand, false)
	if len(n.sets()) != 1 || len(n.units) != 0 || n.events(ReasonByHand) != 1 {
		t.Errorf("sets %v, restarts %q, %d Events", n.sets(), n.units, n.events(ReasonByHand))
	}
	n.become(func() { n.loaded = true })
	n.heartbeat()
	n.steps(Label, Rest)
}

// With --restart none a person restarts containerd, and the agent sees it.
func TestARestartByHandIsSeen(t *testing.T) {
	n := newNode(t, "containerd")
	var err error
	if n.opts.Restarter, err = ParseRestart("none"); err != nil {
		t.Fatal(err)
	}
	n.steps(Place, Wait, Wait)
	n.says(ReasonRestartByHand, false)
	if err := n.restart(t.Context(), "", "by hand"); err != nil {
		t.Fatal(err)
	}
	n.step(Wait)
	n.heartbeat()
	n.steps(Settle, Label, Rest)
	n.ask(true)
	n.steps(Unlabel, Undo, Settle, Forget, Rest)
}

// Where the API server cannot be told, nothing is done.
func TestNothingIsDoneThatTheNodeDoesNotSay(t *testing.T) {
	n := newNode(t, "containerd")
	before := n.tree()
	n.api.Before(func(r *http.Request) *apierrors.StatusError {
		if r.Method == http.MethodPatch {
			return apierrors.NewForbidden(corev1.Resource("nodes"), "n1", errors.New("may not"))
		}
		return nil
	})
	if d, err := n.in.Step(t.Context()); d.Action != Place || !apierrors.IsForbidden(err) {
		t.Errorf("got %s, %v", d.Action, err)
	}
	if n.tree() != before {
		t.Error("the node has changed")
	}
	n.api.Before(nil)
	n.step(Place)
}
