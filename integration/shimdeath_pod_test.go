package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about the end of a large pod whose shim dies.

// largePod is how many containers it has.
const largePod = 30

// drainingPod is a pod of that many containers, each in a preStop that does not
// end.
func drainingPod(t *testing.T, d *harness.Daemon) (*harness.Pod, []*harness.Container) {
	t.Helper()
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	members := make([]*harness.Container, largePod)
	for i := range members {
		name := fmt.Sprintf("c%d", i)
		members[i] = pod.TestContainer(t, harness.ContainerOptions{Name: name, Annotations: map[string]string{
			"lifecycle.bookend.dev/" + name: `{"preStop":{"sleep":{"seconds":3600}}}`,
		}})
	}
	shim, err := d.Shim(t.Context(), harness.CRINamespace, pod.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer shim.Close()
	for _, m := range members {
		if _, err := shim.Kill(shim.Context(t.Context()), &taskapi.KillRequest{ID: m.ID, Signal: uint32(syscall.SIGTERM)}); err != nil {
			t.Fatal(err)
		}
		awaitAttempts(t, d, m.ID, "preStop")
	}
	return pod, members
}

// wantPodGone waits until no process of a pod is left, and checks that every
// record has been completed by then.
func wantPodGone(t *testing.T, d *harness.Daemon, pod *harness.Pod, members []*harness.Container) {
	t.Helper()
	ids := []string{pod.ID}
	for _, m := range members {
		ids = append(ids, m.ID)
	}
	err := harness.Poll(t.Context(), time.Minute, "the pod's processes to end", func() error {
		procs, err := d.Processes()
		if err != nil {
			return err
		}
		procs = slices.DeleteFunc(procs, func(p harness.Process) bool { return !slices.ContainsFunc(ids, p.InCgroup) })
		if len(procs) > 0 {
			return fmt.Errorf("there are %d, such as %s", len(procs), procs[0])
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, m := range members {
		found := attempts(t, d.RecordsDir(), m.ID)
		if len(found) != 1 || found[0].Outcome != "Unknown" {
			t.Errorf("%s: records %+v, want one that is Unknown", m.Name(), found)
		}
		awaitNoStatus(t, d, m.ID)
	}
}

func TestShimDeathTakesALargePodAlong(t *testing.T) {
	d := shared.Daemon(t)
	pod, members := drainingPod(t, d)
	begun := time.Now()
	killShim(t, d, pod.ID)
	wantPodGone(t, d, pod, members)
	t.Logf("%d containers were gone after %s", largePod, time.Since(begun))
	for _, m := range members {
		if _, err := m.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
			t.Error(err)
		}
	}
	if said := d.Log(); strings.Contains(said, "failed to clean up after shim disconnected") {
		t.Error("the clean-up did not end in time")
	}
}

// runcThat is a directory with a runc that runs a script first.
func runcThat(t *testing.T, script string) string {
	t.Helper()
	_, _, tools := shims(t)
	dir := t.TempDir()
	script = "#!/bin/sh\n" + script + "\nexec " + filepath.Join(tools, "runc") + ` "$@"` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "runc"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// One after the other they would take more than seven seconds, of the five that there
// are: runc itself waits a tenth of one for each.
func TestShimDeathsCleanUpOfALargePodEndsInTime(t *testing.T) {
	d := shared.Daemon(t)
	pod, members := drainingPod(t, d)
	killShimUnseen(t, d, pod.ID)
	begun := time.Now()
	if err := cleanUpAsContainerdDoes(t, d, pod.ID, runcThat(t, "sleep 0.15")); err != nil {
		t.Error(err)
	}
	t.Logf("the clean-up of %d containers took %s", largePod, time.Since(begun))
	wantPodGone(t, d, pod, members)
	if err := d.Relaunch(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if _, err := m.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
			t.Error(err)
		}
	}
}

func TestShimDeathLeavesNoProcessAndWholeRecordsThoughTheCleanUpIsCutShort(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{
		harness.PodLifecycleKey: `{"preStop":{"sleep":{"seconds":3600}}}`,
	}})
	m := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
	m.Kill(syscall.SIGTERM)
	awaitAttempts(t, d, m.ID, "preStop")
	killShimUnseen(t, d, pod.ID)
	if err := cleanUpAsContainerdDoes(t, d, pod.ID, runcThat(t, "exec sleep 1000")); err == nil {
		t.Error("the clean-up succeeded with a runc that hangs")
	}
	awaitAttempts(t, d, m.ID, "preStop Unknown")
	wantNoProcess(t, d, m.ID)
	wantNoProcess(t, d, pod.ID)
	if err := cleanUpAsContainerdDoes(t, d, pod.ID, ""); err != nil {
		t.Error(err)
	}
	if err := d.Relaunch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
		t.Error(err)
	}
}

// The newest containerds ask for each container of the pod; on a busy node only one of
// these processes may come to its work in time.
func TestShimDeathLeavesNoProcessOfThePodWhicheverContainerIsCleanedUp(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	main := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
	side := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "side"})
	killShimUnseen(t, d, pod.ID)
	if err := cleanUpAsContainerdDoes(t, d, side.ID, runcThat(t, "exec sleep 1000")); err == nil {
		t.Error("the clean-up succeeded with a runc that hangs")
	}
	for _, id := range []string{main.ID, side.ID, pod.ID} {
		wantNoProcess(t, d, id)
	}
	if err := cleanUpAsContainerdDoes(t, d, pod.ID, ""); err != nil {
		t.Error(err)
	}
	if err := d.Relaunch(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*harness.Fixture{main, side} {
		if _, err := m.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
			t.Error(err)
		}
	}
}
