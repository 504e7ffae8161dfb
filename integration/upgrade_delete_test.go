package integration

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Shims of the old version die after the upgrade, each at another moment, and the new
// version's delete action cleans up.
func TestUpgradeCleansUpAfterShimsOfTheOldVersion(t *testing.T) {
	o := newOldVersion(t)
	o.install()
	t.Run("shims", func(t *testing.T) {
		staged := harness.CreateTask(t, o.Daemon, waitingBoth, withRuncsOptions)
		awaitParked(t, staged)
		starting := harness.CreateTask(t, o.Daemon, waitingBoth, withRuncsOptions)
		reply := starting.Begin(t.Context())
		starting.Await("main", "post")
		stopping, frozen := stoppingTask(t, o.Daemon), stoppingTask(t, o.Daemon)
		freezeHook(t, o.Daemon, frozen.ID)
		unseen := newFrozenPod(t, o.Daemon)
		for _, id := range []string{staged.ID, starting.ID, stopping.ID, frozen.ID, unseen.ID} {
			o.wantServedBy(t, id, o.old)
		}
		seen := o.newSeenPod(t)
		o.upgrade()

		for _, id := range []string{staged.ID, starting.ID, stopping.ID, frozen.ID} {
			killShim(t, o.Daemon, id)
		}
		t.Run("staged postStart", func(t *testing.T) { wantTaskGone(t, staged) })
		t.Run("postStart", func(t *testing.T) {
			wantTaskGone(t, starting, "postStart Unknown")
			if err := wantReply(t, reply); err == nil {
				t.Error("Start succeeded though its shim was killed")
			}
		})
		t.Run("preStop", func(t *testing.T) { wantTaskGone(t, stopping, "preStop Unknown") })
		t.Run("frozen preStop", func(t *testing.T) { wantTaskGone(t, frozen, "preStop Unknown") })
		// For a member containerd asks the binary that its bundle names, the old version's.
		t.Run("pod", func(t *testing.T) {
			if seen == nil {
				t.Skip("containerd 2.3 looks after no container of a pod whose shim has version 3 of the API, as the old version's had")
			}
			killShim(t, o.Daemon, seen.ID)
			seen.wantGone(t)
			seen.wantExited(t)
		})
		// Older containerds ask for the sandbox alone.
		t.Run("pod, of which the sandbox is asked for", func(t *testing.T) {
			killShimUnseen(t, o.Daemon, unseen.ID)
			if err := cleanUpAsContainerdDoes(t, o.Daemon, unseen.ID, ""); err != nil {
				t.Error(err)
			}
			unseen.wantGone(t)
			if err := o.Relaunch(t.Context()); err != nil {
				t.Fatal(err)
			}
			unseen.wantExited(t)
		})
	})
	o.uninstall()
}

var waitingBoth = `{"postStart":{"exec":` + shell(waitingPost) + `},"preStop":{"exec":` + shell(waitingPre) + `}}`

// stoppingTask is a container that has begun a preStop which does not end.
func stoppingTask(t *testing.T, d *harness.Daemon) *harness.Fixture {
	t.Helper()
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`, withRuncsOptions)
	h.Kill(syscall.SIGTERM)
	h.Await("pre")
	return h
}

// awaitParked waits until the old version's postStart is parked in its container.
func awaitParked(t *testing.T, h *harness.Fixture) {
	t.Helper()
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "the hook to be parked", func() error {
		procs := h.Processes()
		if !slices.ContainsFunc(procs, func(p harness.Process) bool { return p.Comm == "bookend-gate" }) {
			return fmt.Errorf("there are %v", procs)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wantTaskGone waits until nothing of a container whose shim has died is left but its
// records.
func wantTaskGone(t *testing.T, h *harness.Fixture, records ...string) {
	t.Helper()
	wantNoProcess(t, h.Daemon, h.ID)
	h.WantTopic("/tasks/exit")
	awaitAttempts(t, h.Daemon, h.ID, records...)
	awaitNoStatus(t, h.Daemon, h.ID)
}

// dyingPod is a pod of two containers, one of which has begun a preStop that does not
// end, and whose shim is to die.
type dyingPod struct {
	*harness.Pod
	main, side *harness.Fixture
}

func newDyingPod(t *testing.T, d *harness.Daemon) dyingPod {
	t.Helper()
	pod, main, side := stoppingPod(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`)
	return dyingPod{pod, main, side}
}

// newSeenPod is a frozen pod of the old version's, of which containerd sees the end; nil:
// this containerd does not.
func (o *oldVersion) newSeenPod(t *testing.T) *dyingPod {
	t.Helper()
	if before(t, 4) {
		return nil
	}
	pod := newFrozenPod(t, o.Daemon)
	o.wantServedBy(t, pod.ID, o.old)
	return &pod
}

// newFrozenPod is one whose preStop is frozen.
func newFrozenPod(t *testing.T, d *harness.Daemon) dyingPod {
	t.Helper()
	pod := newDyingPod(t, d)
	freezeHook(t, d, pod.main.ID)
	return pod
}

// wantGone waits until nothing of the pod runs.
func (p dyingPod) wantGone(t *testing.T) {
	t.Helper()
	d := p.main.Daemon
	for _, id := range []string{p.main.ID, p.side.ID, p.ID} {
		wantNoProcess(t, d, id)
	}
	awaitAttempts(t, d, p.main.ID, "preStop Unknown")
	awaitNoStatus(t, d, p.main.ID)
}

// wantExited waits until the CRI knows.
func (p dyingPod) wantExited(t *testing.T) {
	t.Helper()
	for _, m := range []*harness.Fixture{p.main, p.side} {
		if _, err := m.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
			t.Error(err)
		}
	}
}
