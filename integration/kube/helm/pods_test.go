package helm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bookend.dev/bookend/integration/harness"
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// plain is a pod as anybody writes it: no class, no annotation. NAME and the like are
// replaced.
const plain = `
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: NAMESPACE}
spec:
  restartPolicy: Never
  containers:
  - name: main
    image: ` + harness.BusyboxImage + `
    command: [sh, -c, "trap 'echo term >>/notes/NAME; exit 0' TERM; while :; do sleep 1000 & wait $!; done"]
    lifecycle:
      postStart: {exec: {command: [sh, -c, "echo post >>/notes/NAME; POST"]}}
      preStop: {exec: {command: [sh, -c, "echo pre >>/notes/NAME"]}}
    volumeMounts: [{name: notes, mountPath: /notes}]
  volumes: [{name: notes, hostPath: {path: NOTES}}]
`

// create applies a plain pod whose postStart ends with a command.
func (s *site) create(name, post string) {
	s.t.Helper()
	manifest := strings.NewReplacer("NAMESPACE", s.shop, "NAME", name, "NOTES", s.notes, "POST", post).Replace(plain)
	if _, err := s.Apply(s.t.Context(), []byte(manifest), "apply"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) await(name, what string, check func(*corev1.Pod) error) *corev1.Pod {
	s.t.Helper()
	pod, err := s.AwaitPod(s.t.Context(), s.shop, name, what, check)
	if err != nil {
		s.t.Fatal(err)
	}
	return pod
}

// start creates a pod whose hooks succeed, and waits until it is ready.
func (s *site) start(name string) *corev1.Pod {
	s.t.Helper()
	s.create(name, "true")
	return s.await(name, "the pod to be ready", func(pod *corev1.Pod) error {
		if pod == nil {
			return errors.New("there is none")
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("it is not ready: %+v", pod.Status)
	})
}

// startHooked is start, for a pod that is to run on a set of bookend's binaries.
func (s *site) startHooked(name, set string) {
	s.t.Helper()
	pod := s.start(name)
	if class := pod.Spec.RuntimeClassName; class == nil || *class != harness.Bookend || pod.Spec.Containers[0].Lifecycle != nil {
		s.t.Errorf("%s has the class %v and the lifecycle %+v", name, class, pod.Spec.Containers[0].Lifecycle)
	}
	s.wantShim(name, set)
	s.wantNotes(name, "post")
}

// end deletes a pod as kubectl does, and checks that its hooks have run once.
func (s *site) end(name string) {
	s.t.Helper()
	s.kubectl("delete", "pod", name, "--namespace", s.shop)
	s.wantNotes(name, "post", "pre", "term")
}

func (s *site) wantNotes(name string, want ...string) {
	s.t.Helper()
	noted, err := os.ReadFile(filepath.Join(s.notes, name))
	if got := strings.Fields(string(noted)); err != nil || !slices.Equal(got, want) {
		s.t.Errorf("%s has noted %q, want %q: %v", name, got, want, err)
	}
}

// wantShim checks of which set of binaries the shim of a pod is.
func (s *site) wantShim(name, set string) {
	s.t.Helper()
	if got, err := s.shim(name); err != nil || got != set {
		s.t.Errorf("the shim of %s is of the set %q, want %q: %v", name, got, set, err)
	}
}

func (s *site) shim(name string) (string, error) {
	pods, err := s.Daemon.CRI.ListPodSandbox(s.t.Context(), &runtimeapi.ListPodSandboxRequest{Filter: &runtimeapi.PodSandboxFilter{
		LabelSelector: map[string]string{"io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": s.shop},
	}})
	if err != nil || len(pods.GetItems()) != 1 {
		return "", fmt.Errorf("%d sandboxes of %s: %w", len(pods.GetItems()), name, err)
	}
	all, err := s.Daemon.Processes()
	if err != nil {
		return "", err
	}
	for _, p := range all {
		if filepath.Base(p.Args[0]) != harness.ShimBinary || !slices.Contains(p.Args, pods.GetItems()[0].GetId()) {
			continue
		}
		file, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID))
		if err == nil {
			_, err = os.Stat(file) // it fails where the file is deleted
		}
		return filepath.Base(filepath.Dir(file)), err
	}
	return "", errors.New("there is none")
}
