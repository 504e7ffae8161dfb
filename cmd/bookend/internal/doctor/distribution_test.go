package doctor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/distribution"
)

func TestARuntimeThatIsNotReadYetIsSeen(t *testing.T) {
	const table, another = "{{ template \"base\" . }}\n[a.runtimes.bookend]\n", "[a.runtimes.other]\n"
	for _, tt := range []struct {
		distribution, file, text string
		version                  int
		want                     bool
	}{
		{"k3s", "config-v3.toml.tmpl", table, 3, true},
		{"k3s", "config.toml.tmpl", table, 3, false},
		{"rke2", "config.toml.tmpl", table, 2, true},
		{"rke2", "config.toml.tmpl", another, 2, false},
		{"microk8s", "containerd-template.toml", table, 2, true},
		{"k0s", "containerd.d/bookend.toml", table, 2, true},
		{"containerd", "conf.d/bookend.toml", table, 3, false},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, tt.file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		f := &Facts{Options: Options{ContainerdConfig: filepath.Join(dir, "config.toml"), RuntimeName: "bookend", Distribution: preset(tt.distribution)},
			CRI: &criconfig.Config{Version: tt.version}}
		if got := f.written(); (got == file) != tt.want || !tt.want && got != "" {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

// A containerd that does not run says nothing of its PATH.
func TestADistributionsOwnProgramsAreFound(t *testing.T) {
	dir := t.TempDir()
	f := Gather(t.Context(), Options{
		Address: filepath.Join(dir, "none.sock"), Containerd: filepath.Join(dir, "none"), RuntimeName: "bookend",
		ContainerdConfig: filepath.Join(dir, "config.toml"), NodeConfig: os.DevNull,
		Distribution: distribution.Preset{Name: "x", Programs: []string{"/x/bin"}},
	})
	if want := append([]string{"/x/bin"}, strings.Split(os.Getenv("PATH"), ":")...); !slices.Equal(f.Path, want) {
		t.Errorf("got %v, want %v", f.Path, want)
	}
}
