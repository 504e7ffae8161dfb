package integration

import (
	"testing"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestPodLife(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, PodOptions{Handler: Runc})
	c := pod.TestContainer(t, ContainerOptions{Env: map[string]string{"GREETING": "hello"}})

	got, err := c.Exec(t.Context(), "sh", "-c", "echo $GREETING; echo oops >&2; exit 3")
	if want := (ExecResult{"hello\n", "oops\n", 3}); err != nil || got != want {
		t.Errorf("exec: got %+v, %v; want %+v", got, err, want)
	}
	if err := c.Stop(t.Context(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	status, err := c.Status(t.Context())
	if err != nil || status.GetState() != runtimeapi.ContainerState_CONTAINER_EXITED || status.GetExitCode() != 0 {
		t.Errorf("after stop: %v, %v; want an exit with code 0", status, err)
	}
}
