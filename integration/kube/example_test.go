package kube

import (
	"os"
	"testing"

	"bookend.dev/bookend/integration/harness"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// lifecycleDemo is the example of the documentation of Kubernetes, as it is there
// (examples/pods/lifecycle-events.yaml).
const lifecycleDemo = `apiVersion: v1
kind: Pod
metadata:
  name: lifecycle-demo
spec:
  containers:
  - name: lifecycle-demo-container
    image: nginx
    lifecycle:
      postStart:
        exec:
          command: ["/bin/sh", "-c", "echo Hello from the postStart handler > /usr/share/message"]
      preStop:
        exec:
          command: ["/bin/sh","-c","nginx -s quit; while killall -0 nginx; do sleep 1; done"]
`

// nginx is a program that can be told to quit as the example does it, and does
// nothing else: it ignores SIGTERM.
const nginx = `#!/bin/sh
[ "$1" = -s ] && exec kill -QUIT 1
trap '' TERM
trap 'exit 0' QUIT
while :; do sleep 1000 & wait $!; done
`

func newNginxImage(bins harness.Binaries) (harness.Image, error) {
	program, err := bins.Busybox()
	if err != nil {
		return harness.Image{}, err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return harness.Image{}, err
	}
	files := []harness.File{
		{Path: "bin/", Dir: true}, {Path: "usr/", Dir: true}, {Path: "usr/share/", Dir: true},
		{Path: "bin/busybox", Content: content}, {Path: "bin/nginx", Content: []byte(nginx)},
	}
	for _, applet := range []string{"sh", "sleep", "killall", "kill", "cat"} {
		files = append(files, harness.File{Path: "bin/" + applet, Link: "busybox"})
	}
	layer, err := harness.NewLayer(files)
	if err != nil {
		return harness.Image{}, err
	}
	return harness.Image{
		Name: "docker.io/library/nginx:latest", Layers: []harness.Layer{layer},
		Config: ocispec.ImageConfig{Env: []string{"PATH=/bin"}, Entrypoint: []string{"nginx"}},
	}, nil
}

// TestTheDocumentationsExample changes nothing of it: a label of the namespace is all.
func TestTheDocumentationsExample(t *testing.T) {
	s := newHookedSpace(t)
	s.enable()
	image, err := newNginxImage(s.Daemon.Binaries())
	if err != nil {
		t.Fatal(err)
	}
	s.serveImage("docker.io", image)
	const pod = "lifecycle-demo"
	for range 2 { // as what keeps a cluster like its manifests does
		if _, err := s.Apply(t.Context(), []byte(lifecycleDemo), "apply", "--namespace="+s.name); err != nil {
			t.Fatal(err)
		}
		s.wantMoved(s.await(pod, "the pod to be ready", ready))
	}
	if got, want := s.kubectl("exec", pod, "--", "cat", "/usr/share/message"), "Hello from the postStart handler\n"; got != want {
		t.Errorf("postStart wrote %q, want %q", got, want)
	}
	uid := s.uid(pod)
	s.remove(pod)
	// The preStop has the server quit, and goes with it. That is no failure.
	s.wantRuns(pod, "postStart Succeeded", "preStop Cancelled")
	if times, said := s.told(uid, "FailedPreStopHook"); times != 0 {
		t.Errorf("%d Events tell of a failure: %s", times, said)
	}
}
