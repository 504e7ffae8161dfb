package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/pelletier/go-toml/v2"
)

// merged is what containerd makes of its files, as far as the test looks.
type merged struct {
	Plugins struct {
		CRI struct {
			Containerd struct {
				Runtimes map[string]struct {
					Path                 string         `toml:"runtime_path"`
					PodAnnotations       []string       `toml:"pod_annotations"`
					ContainerAnnotations []string       `toml:"container_annotations"`
					Options              map[string]any `toml:"options"`
				}
			}
		} `toml:"io.containerd.cri.v1.runtime"`
	}
}

func TestCliInstallsDropInIsReadInEveryVersion(t *testing.T) {
	skipBefore(t, 0, onlyMain)
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	const runc = "[plugins.'%s'.containerd.runtimes.runc]\nruntime_type = 'io.containerd.runc.v2'\noptions = {SystemdCgroup = true}\n"
	v2, v3 := fmt.Sprintf(runc, "io.containerd.grpc.v1.cri"), fmt.Sprintf(runc, "io.containerd.cri.v1.runtime")
	for name, main := range map[string]string{
		"version 2": "version = 2\nimports = ['conf.d/*.toml']\n" + v2, "version 3": "version = 3\n" + v3, "version 4": "version = 4\nimports = []\n" + v3,
		"no version": "disabled_plugins = ['cri']\n", "no file": "",
	} {
		t.Run(name, func(t *testing.T) {
			skipUnread(t, main)
			dir := t.TempDir()
			config := filepath.Join(dir, "etc", "config.toml")
			if main != "" {
				if err := os.Mkdir(filepath.Dir(config), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(config, []byte(main), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			containerd := filepath.Join(bins.Tools, "containerd")
			install := exec.Command(filepath.Join(bins.Bin, "bookend"), "install", "--edit-config",
				"--bin-dir", filepath.Join(dir, "bin"), "--containerd-config", config, "--containerd", containerd)
			if out, err := install.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			wantMerged(t, containerd, config, filepath.Join(dir, "bin", "containerd-shim-bookend-v2"), strings.Contains(main, "SystemdCgroup"))
		})
	}
}

// wantMerged wants containerd to know bookend's runtime, and runc's still.
func wantMerged(t *testing.T, containerd, config, shim string, systemd bool) {
	t.Helper()
	out, err := exec.Command(containerd, "--config", config, "config", "dump").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got merged
	if err := toml.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	runtimes := got.Plugins.CRI.Containerd.Runtimes
	ours, runc := runtimes["bookend"], runtimes["runc"]
	if ours.Path != shim || len(ours.PodAnnotations) != 2 || len(ours.ContainerAnnotations) != 4 {
		t.Errorf("got %+v", ours)
	}
	if (ours.Options["SystemdCgroup"] == true) != systemd || (runc.Options["SystemdCgroup"] == true) != systemd || runc.Path != "" {
		t.Errorf("got %+v beside %+v", ours, runc)
	}
}
