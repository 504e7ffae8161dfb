package integration

import (
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The kubelet stops a pod's sidecars when its main containers have exited, with
// what is left of the grace period.
func TestPreStopOfASidecarComesWithItsOwnStop(t *testing.T) {
	d := shared.Daemon(t)
	t.Run("in time", func(t *testing.T) {
		main, side := sidecarPod(t, d, quickPre)
		main.Stop()
		side.WantTrace()
		side.Stop()
		side.WantTrace("pre", "term")
	})
	t.Run("with little time left", func(t *testing.T) {
		main, side := sidecarPod(t, d, waitingPre)
		main.Stop()
		side.WantTrace()
		if err := side.Container.Stop(t.Context(), 2*time.Second); err != nil {
			t.Fatal(err)
		}
		st, err := side.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED)
		if want := int32(128 + syscall.SIGKILL); err != nil || st.GetExitCode() != want {
			t.Errorf("exit code %d, %v; want %d", st.GetExitCode(), err, want)
		}
		awaitAttempts(t, d, side.ID, "preStop Cancelled cancelled")
		side.WantTrace("pre")
	})
}

// sidecarPod is a pod of two containers, of which the second has a preStop.
func sidecarPod(t *testing.T, d *harness.Daemon, preStop string) (main, side *harness.Fixture) {
	t.Helper()
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{
		"lifecycle.bookend.dev/side": `{"terminationGracePeriodSeconds":60,"preStop":{"exec":` + shell(preStop) + `}}`,
	}})
	return harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"}), harness.RunContainer(t, pod, harness.ContainerOptions{Name: "side"})
}
