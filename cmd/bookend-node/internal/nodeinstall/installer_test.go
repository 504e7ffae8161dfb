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
			for _, name := range []string{journalName, oursName} {
				if _, err := os.Stat(filepath.Join(n.opts.State, name)); err == nil {
					t.Errorf("%s is left", name)
				}
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
func installed(t *testing.T) *node {
	t.Helper()
	n := newNode(t, "containerd")
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
	n := installed(t)
	old := n.sets()
	end := n.shim()
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
	n := installed(t)
	end := n.shim()
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
		n.restartAndDie()
		n.step(Wait) // for the node, and no second restart
		n.heartbeat()
		n.steps(Settle, Label)
		n.ask(true)
		n.steps(Unlabel, Undo)
		n.restartAndDie()
		n.step(Wait)
		n.heartbeat()
		n.steps(Settle, Forget)
		if len(n.units) != 2 {
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

// restartAndDie restarts containerd, as an agent that is killed before it notes that.
func (n *node) restartAndDie() {
	n.t.Helper()
	o := n.opts
	o.Restarter.systemd = func(ctx context.Context, bus, unit string) error {
		panic(n.restart(ctx, bus, unit))
	}
	defer func() { _ = recover() }()
	d, err := New(o).Step(n.t.Context())
	n.t.Fatalf("got %s, %v, and is not killed", d.Action, err)
}

// A containerd that others restart just before its files change has not read them.
func TestARestartBeforeTheChangeIsNotTheOne(t *testing.T) {
	n := newNode(t, "containerd")
	n.api.Before(func(r *http.Request) *apierrors.StatusError {
		if r.Method == http.MethodPatch { // what is done to the node is said, and is not done yet
			n.start()
		}
		return nil
	})
	n.step(Place)
	n.api.Before(nil)
	n.steps(Restart, Wait)
	n.heartbeat()
	n.steps(Settle, Label)
}

// What a person has installed is brought up to date, and stays.
func TestAnInstallationOfAPersonStays(t *testing.T) {
	n := newNode(t, "containerd")
	if _, err := n.opts.Host.install(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if err := n.restart(t.Context(), "", "by hand"); err != nil {
		t.Fatal(err)
	}
	n.heartbeat()
	n.release("2")
	n.steps(Place, Label, Rest)
	with := n.tree()
	n.ask(true)
	n.steps(Unlabel, Forget, Rest)
	n.says("", false)
	if n.tree() != with || len(n.units) != 1 {
		t.Errorf("the node has changed, restarts %q", n.units)
	}
}

// Whatever the label says, it goes: what waits for the removal waits for that.
func TestAnotherValueOfTheLabelGoesToo(t *testing.T) {
	n := newNode(t, "containerd")
	n.api.SetNode("n1", func(node *corev1.Node) { node.Labels = map[string]string{NodeLabel: "by-hand"} })
	n.ask(true)
	n.steps(Unlabel, Forget, Rest)
	if node := n.api.Node("n1"); len(node.Labels) != 0 {
		t.Errorf("labels %v", node.Labels)
	}
}

// One look at a containerd that others restart does no harm, however long ago it was
// restarted for the runtime.
func TestASilentContainerdIsWaitedFor(t *testing.T) {
	n := newNode(t, "containerd")
	n.steps(Place, Restart, Wait) // for a node that others keep from being Ready
	n.become(func() { n.now = n.now.Add(n.in.Pauses.Ready + time.Second) })
	n.goOn(Wait)
	if got := n.events(ReasonNodeNotReady); got != 2 {
		t.Errorf("%d Events, want one more after a long time", got)
	}
	n.become(func() { n.down = true })
	n.goOn(Wait)
	n.become(func() { n.now = n.now.Add(n.in.Pauses.Ready - time.Second) })
	n.goOn(Wait)
	n.become(func() { n.down = false })
	n.goOn(Wait)
	n.become(func() { n.down, n.now = true, n.now.Add(2*time.Second) })
	n.goOn(Wait)
	n.become(func() { n.down = false })
	n.heartbeat()
	n.goOn(Settle, Label)
}

// A command that stops containerd, and cannot start it with the new configuration, is no
// reason to wait for ever.
func TestHarmByACommandIsUndone(t *testing.T) {
	n := newNode(t, "containerd")
	before := n.tree()
	n.opts.Restarter.systemd = func(ctx context.Context, bus, unit string) error {
		_ = n.restart(ctx, bus, unit)
		n.become(func() { n.down = n.configured() })
		if n.down {
			return errors.New("exit status 1")
		}
		return nil
	}
	n.step(Place)
	if d, err := n.in.Step(t.Context()); d.Action != Restart || err == nil {
		t.Fatalf("got %s, %v", d.Action, err)
	}
	n.goOn(Wait)
	n.become(func() { n.now = n.now.Add(n.in.Pauses.Ready + time.Second) })
	n.goOn(GiveUp, Undo, Restart)
	n.heartbeat()
	n.goOn(Settle, Rest)
	if n.tree() != before {
		t.Error("the node is not as it was")
	}
}

// Where pods run, their binaries stay, and containerd serves without the configuration:
// else no pod could end.
func TestHarmIsUndoneWhilePodsRun(t *testing.T) {
	n := installed(t)
	end := n.shim()
	old := n.sets()
	n.release("2")
	n.remove()
	n.become(func() { n.broken = true })
	n.steps(Place, Restart, Wait)
	n.become(func() { n.now = n.now.Add(n.in.Pauses.Ready + time.Second) })
	n.goOn(GiveUp, Unlabel, TakeBack, Restart)
	if n.configured() {
		t.Error("the configuration is there")
	}
	if now := n.sets(); !slices.Contains(now, old[0]) {
		t.Errorf("sets %v, of which a shim runs from %v", now, old)
	}
	n.heartbeat()
	n.goOn(Settle, Wait)
	n.says(ReasonInUse, false)
	end()
	n.goOn(Undo, Rest)
	if len(n.units) != 3 || len(n.sets()) != 0 {
		t.Errorf("restarted %q, sets %v", n.units, n.sets())
	}
}

// remove has another program take the runtime out of containerd's configuration.
func (n *node) remove() {
	n.t.Helper()
	if _, err := n.opts.Host.takeBack(n.t.Context(), false); err != nil {
		n.t.Fatal(err)
	}
}

// The agent and another program do not take turns for ever.
func TestRestartsAreBounded(t *testing.T) {
	n := installed(t)
	for range restartsMost - 1 {
		n.remove()
		n.steps(Place, Restart)
		n.heartbeat()
		n.steps(Settle, Rest)
	}
	n.remove()
	n.become(func() { n.loaded = false })
	n.steps(Place, Unlabel, Wait)
	n.says(ReasonOften, false)
	if len(n.units) != restartsMost {
		t.Errorf("restarted %q", n.units)
	}
	n.become(func() { n.now = n.now.Add(restartsTime) })
	n.step(Restart)
}

// A moment that is still to come was told by a wrong clock.
func TestAClockThatIsSetBackHoldsNothingUp(t *testing.T) {
	n := newNode(t, "containerd")
	n.steps(Place, Restart, Wait)
	n.become(func() { n.now = n.now.Add(-24 * time.Hour) })
	n.step(Wait)
	n.heartbeat()
	n.steps(Settle, Label)
}

// Another name of the runtime has to wait for the pods of the old one, and takes nothing
// from them.
func TestARenamedRuntimeWaitsForPods(t *testing.T) {
	n := installed(t)
	end := n.shim()
	with := n.tree()
	n.opts.Host.RuntimeName = "other"
	n.in = New(n.opts)
	if _, err := n.in.Step(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot be renamed") {
		t.Fatalf("got %v", err)
	}
	n.says("PlaceFailed", true)
	if n.tree() != with {
		t.Error("files have changed under pods that run")
	}
	end()
	n.step(Place)
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
	n.goOn(GiveUp)
	n.steps(Undo, Restart)
	n.heartbeat()
	n.steps(Settle, Rest, Rest)
	n.says(ReasonGaveUp, false)
	if n.tree() != before {
		t.Error("the node is not as it was")
	}
	if len(n.units) != 2 || n.events(ReasonGaveUp) == 0 {
		t.Errorf("restarted %q, %d Events", n.units, n.events(ReasonGaveUp))
	}
	others := n.opts
	others.Host.Distribution = "containerd"
	if _, d, err := New(others).look(t.Context()); err != nil || d.Action != Place {
		t.Errorf("with other flags: got %s, %v", d.Action, err)
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
