package integration

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// On a host with two containerds the one that --address names is configured, in
// the file that it was started with: here one with imports of another directory,
// and with a runc runtime that has a path of its own, no type, and a part of its
// options in a drop-in of somebody's; before 2.0, where that would replace all
// runtimes, in the main file. A pod of the runtime is then made as that runc
// runtime would make it, after every installation anew.
func TestCliInstallIsForTheContainerdThatIsNamed(t *testing.T) {
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	release, err := harness.FindRelease()
	if err != nil {
		t.Fatal(err)
	}
	old := release.Before(2, 0)
	runc, calls := tracingRunc(t)
	root := t.TempDir()
	options := map[string]any{"BinaryName": runc}
	if old {
		options["Root"] = root
	}
	other := newNode(t, harness.Options{Imports: []string{"conf.d/*.toml"}})
	n := newNode(t, harness.Options{Imports: []string{"v3.d/*.toml"}, Handlers: []harness.Handler{
		{Name: harness.Runc, Type: "io.containerd.runc.v2", Path: filepath.Join(bins.Tools, "containerd-shim-runc-v2"), Options: options},
		{Name: "untyped", Path: filepath.Join(bins.Bin, "containerd-shim-bookend-v2")},
	}})
	if !old {
		n.write("v3.d/zz.toml", "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]\nRoot = '"+root+"'\n")
	}
	others, before := other.files(), n.files()
	flags := []string{"--address", n.Address(), "--bin-dir", n.bin, "--lib-dir", n.lib}
	for range 2 {
		n.wantCode(0, append(append([]string{"install"}, flags...), n.editing()...)...)
		if !maps.Equal(other.files(), others) || !old && !maps.Equal(n.files(), before) {
			t.Errorf("main files have changed: %q, %q", other.files(), n.files())
		}
		n.restart()
		n.wantDoctor(0, healthy(), flags[2:]...)
		t.Run("pod", func(t *testing.T) {
			if err := os.RemoveAll(calls); err != nil {
				t.Fatal(err)
			}
			pod := n.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{harness.PodLifecycleKey: noted}})
			m := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
			wantRuntime(t, m.ID, root, calls)
			m.Stop()
			m.WantTrace(notes...)
		})
		n.uninstall()
		if out := n.wantCode(1, n.uninstallArgs()...); !strings.Contains(out, "is not installed there") {
			t.Errorf("uninstall again: %s", out)
		}
	}
	n.restart()
	n.wantNoHandler()
	if _, err := n.CRI.RunPod(t.Context(), harness.PodOptions{Handler: "untyped"}); err == nil {
		t.Error("containerd runs pods of a runtime without a type, which doctor says it does not")
	}
	n.wantFix("untyped", "set runtime_type = ")
	// The advice is for this installation. How containerd is restarted, the machine's init
	// has a part in.
	n.wantFix("hooked", "bookend install --edit-config --bin-dir "+n.bin+" --lib-dir "+n.lib+" --address "+n.Address()+" --runtime-name hooked")
}

// wantFix wants doctor to say how to fix what it finds wrong with a runtime's
// configuration.
func (n *node) wantFix(runtime, want string) {
	n.t.Helper()
	out := n.wantCode(3, "doctor", "--address", n.Address(), "-o", "json", "--runtime-name", runtime, "--bin-dir", n.bin, "--lib-dir", n.lib)
	var results []struct{ Check, Fix string }
	if err := json.Unmarshal([]byte(out), &results); err != nil {
		n.t.Fatal(err)
	}
	for _, r := range results {
		if r.Check == "runtime" && strings.Contains(r.Fix, want) {
			return
		}
	}
	n.t.Errorf("no %q for the runtime in\n%s", want, out)
}

// write puts a file into a directory of its own in the daemon's, for one test.
func (n *node) write(name, text string) {
	n.t.Helper()
	path := filepath.Join(n.Dir, name)
	n.t.Cleanup(func() {
		if err := os.RemoveAll(filepath.Dir(path)); err != nil {
			n.t.Error(err)
		}
	})
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}
