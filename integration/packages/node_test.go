package packages

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// where says what the Makefile has made.
func where(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Fatalf("%s is not set: run `make packages-test`", variable)
	}
	return path
}

// machine is what uname calls this one's architecture.
var machine = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]

// one is the only package in dist that a pattern matches.
func one(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(where(t, "BOOKEND_DIST"), pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: got %q, %v", pattern, found, err)
	}
	return found[0]
}

// node is one under test.
type node struct {
	*Node
	t *testing.T
}

func newNode(t *testing.T) *node {
	t.Helper()
	shared := map[string]string{
		"dist": where(t, "BOOKEND_DIST"), "opt/containerd": where(t, "BOOKEND_CONTAINERD"), "opt/tools": where(t, "BOOKEND_TOOLS"),
		"images": images(t),
	}
	n, err := Start(where(t, "BOOKEND_ROOT"), shared)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	made := &node{n, t}
	made.write("/etc/hosts", "127.0.0.1 localhost\n")
	made.write("/etc/crictl.yaml", "runtime-endpoint: unix:///run/containerd/containerd.sock\nimage-endpoint: unix:///run/containerd/containerd.sock\ntimeout: 60\n")
	return made
}

// run runs a command, whose exit code has to be code.
func (n *node) run(code int, args ...string) (out string) {
	n.t.Helper()
	got, out, err := n.Run(args...)
	if err != nil {
		n.t.Fatal(err)
	}
	if got != code {
		n.t.Fatalf("%q: exit code %d, want %d\n%s", args, got, code, out)
	}
	return out
}

// want runs a command whose output has to have a text in it.
func (n *node) want(code int, text string, args ...string) {
	n.t.Helper()
	out := n.run(code, args...)
	if !strings.Contains(out, text) {
		n.t.Fatalf("%q: want %q in\n%s", args, text, out)
	}
}

func (n *node) write(path, content string) {
	n.t.Helper()
	cmd, err := n.Command("sh", "-c", `mkdir -p "$(dirname "$0")" && cat >"$0"`, path)
	if err != nil {
		n.t.Fatal(err)
	}
	cmd.Stdin = strings.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		n.t.Fatalf("write %s: %v: %s", path, err, out)
	}
}

// files are all but those that package managers and programs that run write for
// themselves.
func (n *node) files() []string {
	n.t.Helper()
	out := n.run(0, "find", "/etc", "/usr", "/var", "/opt", "-xdev", "-not", "-path", "/var/lib/dpkg/*", "-not", "-path", "/var/lib/rpm/*",
		"-not", "-path", "/var/log/*", "-not", "-path", "/etc/cni*", "-not", "-path", "/var/lib/containerd/*")
	files := strings.Split(strings.TrimSpace(out), "\n")
	slices.Sort(files)
	return files
}

// wantFiles wants no file more or less than before.
func (n *node) wantFiles(before []string) {
	n.t.Helper()
	after := n.files()
	for _, f := range after {
		if !slices.Contains(before, f) {
			n.t.Errorf("%s is left", f)
		}
	}
	for _, f := range before {
		if !slices.Contains(after, f) {
			n.t.Errorf("%s is gone", f)
		}
	}
}

const testImage = "bookend.dev/test/node:1"

// images makes a directory with an archive of one image: busybox, which sleeps. It
// is the sandboxes' as well.
func images(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := []harness.File{{Path: "bin/", Dir: true}, {Path: "tmp/", Dir: true, Mode: 0o1777}, {Path: "bin/busybox", Content: program}}
	for _, name := range []string{"sh", "sleep", "cat"} {
		files = append(files, harness.File{Path: "bin/" + name, Link: "busybox"})
	}
	layer, err := harness.NewLayer(files)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	archive, err := os.Create(filepath.Join(dir, "image.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	image := harness.Image{Name: testImage, Layers: []harness.Layer{layer}, Config: ocispec.ImageConfig{
		Env: []string{"PATH=/bin"}, Entrypoint: []string{"sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 1000 & wait $!; done"},
	}}
	if _, err := image.WriteTo(archive); err != nil {
		t.Fatal(err)
	}
	return dir
}

const containerdConfig = `version = 2
disabled_plugins = ["io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "` + testImage + `"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`

// containerd starts the daemon, and returns what ends it.
func (n *node) containerd() (stop func()) {
	n.t.Helper()
	cmd, err := n.Command("sh", "-c", "echo $$ >/run/containerd.pid; exec containerd >>/tmp/containerd.log 2>&1")
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		n.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := harness.Poll(n.t.Context(), time.Minute, "containerd", func() error {
		select {
		case err := <-ended:
			return harness.Permanent(fmt.Errorf("it has ended: %w", err))
		default:
		}
		code, out, err := n.Run("/opt/tools/crictl", "info")
		if err == nil && code != 0 {
			err = errors.New(out)
		}
		return err
	}); err != nil {
		n.t.Fatalf("%v\n%s", err, n.run(0, "cat", "/tmp/containerd.log"))
	}
	return func() {
		n.t.Helper()
		n.run(0, "sh", "-c", "kill $(cat /run/containerd.pid)")
		if err := <-ended; err != nil {
			n.t.Errorf("containerd ended: %v", err)
		}
	}
}

func (n *node) crictl(args ...string) string {
	n.t.Helper()
	return strings.TrimSpace(n.run(0, append([]string{"/opt/tools/crictl"}, args...)...))
}

// pod starts one with hooks, which write to files that its container has.
func (n *node) pod() (pod, container string) {
	n.t.Helper()
	config := func(path string, v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			n.t.Fatal(err)
		}
		n.write(path, string(data))
		return path
	}
	sandbox := config("/tmp/pod.json", map[string]any{
		"metadata": map[string]any{"name": "web", "namespace": "default", "uid": "web"}, "log_directory": "/tmp/logs",
		"annotations": map[string]string{"lifecycle.bookend.dev/main": `
postStart: {exec: {command: [sh, -c, "echo started; echo started > /tmp/hook"]}}
preStop: {exec: {command: [sh, -c, "echo stopping after $(cat /tmp/hook)"]}}`},
		"linux": map[string]any{"cgroup_parent": "/" + n.Name, "security_context": map[string]any{"namespace_options": map[string]any{"network": 2}}},
	})
	main := config("/tmp/container.json", map[string]any{
		"metadata": map[string]any{"name": "main"}, "image": map[string]any{"image": testImage}, "log_path": "main.log", "linux": map[string]any{},
	})
	pod = n.crictl("runp", "--runtime", "bookend", sandbox)
	container = n.crictl("create", pod, main, sandbox)
	n.crictl("start", container)
	return pod, container
}

// harnessLimit bounds a wait for what takes a moment.
const harnessLimit = 30 * time.Second

// notZero makes an exit code an error.
func notZero(code int, out string, err error) error {
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d: %s", code, out)
	}
	return err
}
