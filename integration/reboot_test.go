package integration

import (
	"context"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The records' directory is on disk in these tests: what is in memory is gone.

func TestRebootInTheMiddleOfAStopLeavesNothing(t *testing.T) {
	d := harness.StartDaemon(t, harness.Options{})
	n := newLostNode(t, d)
	n.lose(d.Reboot)
	// No one has written an outcome. Who reads sees that the writer is gone.
	n.wantInterrupted("")

	// What containerd left in its root directory it removes at a restart, once there are
	// containers again; statuses go with the next hook's end.
	h := harness.RunTask(t, d, noted)
	h.Stop()
	h.WantTrace(notes...)
	wantHooks(t, d, harness.PodOptions{Handler: harness.Bookend})
	n.wantNoStatus()
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// All processes are gone, and what they had in memory is not: containerd finds bundles.
func TestShimDeathOfAllWithContainerdLeavesNothing(t *testing.T) {
	d := harness.StartDaemon(t, harness.Options{})
	n := newLostNode(t, d)
	n.lose(d.LosePower)
	n.wantInterrupted(" Unknown")
	n.wantNoStatus()
}

// lostNode is a node with containers at all moments of their lives that is lost.
type lostNode struct {
	*harness.Daemon
	t *testing.T

	pod      dyingPod
	sleeping *harness.Fixture // in a preStop
	starting *harness.Fixture // in a postStart
	idle     *harness.Fixture // in a pod, between its hooks
	reply    <-chan error     // of the Start of starting
}

func newLostNode(t *testing.T, d *harness.Daemon) *lostNode {
	t.Helper()
	n := &lostNode{Daemon: d, t: t, pod: newDyingPod(t, d)}
	n.sleeping = harness.RunTask(t, d, `{"postStart":{"exec":`+shell("exit 0")+`},"preStop":{"sleep":{"seconds":3600}}}`)
	n.sleeping.Kill(syscall.SIGTERM)
	n.starting = harness.CreateTask(t, d, waitingBoth)
	n.reply = n.starting.Begin(t.Context())
	n.starting.Await("main", "post")
	idle := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{harness.PodLifecycleKey: noted}})
	n.idle = harness.RunContainer(t, idle, harness.ContainerOptions{Name: "main"})
	for h, phase := range map[*harness.Fixture]string{n.pod.main: "preStop", n.sleeping: "preStop", n.starting: "postStart"} {
		awaitShown(t, h, phase, phase)
	}
	return n
}

// lose loses the node, and starts containerd again.
func (n *lostNode) lose(how func(context.Context) error) {
	n.t.Helper()
	if err := how(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	if err := wantReply(n.t, n.reply); err == nil {
		n.t.Error("Start succeeded though the node was lost")
	}
	if err := n.Relaunch(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

// wantInterrupted wants the containers to have ended, and hooks that had begun to be
// told of as interrupted: outcome is what their records have.
func (n *lostNode) wantInterrupted(outcome string) {
	n.t.Helper()
	n.pod.wantExited(n.t)
	if _, err := n.idle.Container.WaitState(n.t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
		n.t.Error(err)
	}
	for h, hooks := range map[*harness.Fixture][2]string{
		n.pod.main: {"", "preStop"}, n.sleeping: {"postStart Succeeded", "preStop"}, n.starting: {"", "postStart"}, n.idle: {"postStart Succeeded", ""},
	} {
		var written, told []string
		if hooks[0] != "" {
			written, told = append(written, hooks[0]), append(told, hooks[0])
		}
		if hooks[1] != "" {
			written, told = append(written, hooks[1]+outcome), append(told, hooks[1]+" Unknown")
		}
		awaitAttempts(n.t, n.Daemon, h.ID, written...)
		if got, want := outcomes(n.t, n.Daemon, h.ID), strings.Join(told, ", "); got != want {
			n.t.Errorf("history of %s: %q, want %q", h.ID, got, want)
		}
	}
	if got := strings.Split(strings.TrimSpace(bookend(n.t, n.Daemon, "ps")), "\n"); len(got) != 1 { // the heading
		n.t.Errorf("ps shows containers of shims that are gone: %q", got)
	}
}

// wantNoStatus waits until no status is left.
func (n *lostNode) wantNoStatus() {
	n.t.Helper()
	for _, h := range []*harness.Fixture{n.pod.main, n.sleeping, n.starting, n.idle} {
		awaitNoStatus(n.t, n.Daemon, h.ID)
	}
}
