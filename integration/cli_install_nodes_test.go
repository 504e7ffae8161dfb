package integration

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/pelletier/go-toml/v2"
)

// nodesDir has containerd's configuration as it is found on nodes, one in each
// directory; /DIR stands for where it is.
const nodesDir = "../cmd/internal/install/testdata/nodes"

// nodeFiles is a copy of one of them.
type nodeFiles struct {
	t    *testing.T
	bins harness.Binaries
	dir  string
}

func (s *nodeFiles) path(name string) string { return filepath.Join(s.dir, name) }

func newNodeFiles(t *testing.T, bins harness.Binaries, name string) *nodeFiles {
	t.Helper()
	s := &nodeFiles{t: t, bins: bins, dir: t.TempDir()}
	if err := os.CopyFS(s.dir, os.DirFS(filepath.Join(nodesDir, name))); err != nil {
		t.Fatal(err)
	}
	for path, text := range s.files() {
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "/DIR", s.dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// files are those of the configuration.
func (s *nodeFiles) files() map[string]string {
	s.t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(s.path("etc"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}

// bookend runs the command line for this node and returns its exit code.
func (s *nodeFiles) bookend(args ...string) (code int, out string) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(s.bins.Bin, "bookend"), append(args, "--bin-dir", s.path("bin"))...)
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

func (s *nodeFiles) wantCode(want int, args ...string) {
	s.t.Helper()
	if code, out := s.bookend(args...); code != want {
		s.t.Fatalf("bookend %v: exit code %d, want %d\n%s", args, code, want, out)
	}
}

func (s *nodeFiles) install(want int) {
	s.t.Helper()
	s.wantCode(want, "install", "--edit-config", "--containerd-config", s.path("etc/config.toml"), "--containerd", filepath.Join(s.bins.Tools, "containerd"))
}

// dump is the configuration as containerd understands it, and the runtime
// bookend in it, which is taken out; nil: there is none.
func (s *nodeFiles) dump() (config, bookend map[string]any) {
	s.t.Helper()
	out, err := exec.Command(filepath.Join(s.bins.Tools, "containerd"), "--config", s.path("etc/config.toml"), "config", "dump").Output()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := toml.Unmarshal(out, &config); err != nil {
		s.t.Fatal(err)
	}
	delete(config, "imports")
	runtimes := config
	for _, key := range []string{"plugins", "io.containerd.cri.v1.runtime", "containerd", "runtimes"} {
		runtimes = runtimes[key].(map[string]any)
	}
	bookend, _ = runtimes["bookend"].(map[string]any)
	delete(runtimes, "bookend")
	return config, bookend
}

// wantRuntime wants containerd's own view to have bookend's runtime with these
// options, and all else as it was before.
func (s *nodeFiles) wantRuntime(before, options map[string]any) {
	s.t.Helper()
	after, ours := s.dump()
	if !reflect.DeepEqual(after, before) {
		s.t.Errorf("more has changed than one runtime:\n%v\nbefore\n%v", after, before)
	}
	got, _ := ours["options"].(map[string]any)
	if ours["runtime_type"] != "io.containerd.runc.v2" || ours["runtime_path"] != s.path("bin/containerd-shim-bookend-v2") || !maps.EqualFunc(got, options, reflect.DeepEqual) {
		s.t.Errorf("got %v, want the options %v", ours, options)
	}
	for list, want := range map[string]int{"pod_annotations": 2, "container_annotations": 4} {
		if got, _ := ours[list].([]any); len(got) != want {
			s.t.Errorf("%s is %v", list, ours[list])
		}
	}
}

// What containerd makes of each node after install is what it made of it before,
// and one runtime. The nodes themselves say what is special about them.
func TestCliInstallLeavesNodesAsTheyWereWithOneRuntimeMore(t *testing.T) {
	skipBefore(t, 0, onlyMain)
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	systemd := map[string]any{"SystemdCgroup": true}
	nodes := map[string]map[string]any{
		"no-config": nil, "no-imports": systemd, "other-imports": systemd, "old-name-3": systemd, "old-name-4": nil,
		"both-names": {"Root": "/run/runc-k8s"}, "no-type": systemd, "cgroupfs": nil, "by-hand": nil, "default-kata": nil, "default-nvidia": nil, "some-imported": nil,
		"runtime-path": {"SystemdCgroup": true, "BinaryName": "/opt/containerd/bin/runc", "Root": "/run/other-runc"},
		"only-nvidia":  {"SystemdCgroup": true, "BinaryName": "/usr/bin/nvidia-container-runtime"},
		"drop-ins":     {"SystemdCgroup": true, "Root": "/run/runc-k8s"},
	}
	refused := map[string]int{"generated": 3, "dormant": 3, "dormant-no-config": 3, "copied": 1, "by-hand-no-type": 1}
	all, err := os.ReadDir(nodesDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range all {
		if !entry.IsDir() {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			s := newNodeFiles(t, bins, entry.Name())
			skipUnread(t, slices.Collect(maps.Values(s.files()))...)
			if entry.Name() == "drop-ins" {
				skipBefore(t, 3, "containerd before 2.3 drops what a file of version 2 says beside one of version 3")
			}
			if code, ok := refused[entry.Name()]; ok {
				s.wantUnconfigured(code)
				return
			}
			options, ok := nodes[entry.Name()]
			if !ok {
				t.Fatal("it is not known what is expected of this node")
			}
			s.wantConfigured(options)
		})
	}
}

// wantUnconfigured wants an installation that leaves the configuration of
// containerd to a person.
func (s *nodeFiles) wantUnconfigured(code int) {
	s.t.Helper()
	before, runtime := s.dump()
	s.install(code)
	if after, got := s.dump(); !reflect.DeepEqual(after, before) || !reflect.DeepEqual(got, runtime) {
		s.t.Errorf("the configuration has changed: %v", after)
	}
}

// wantConfigured installs, uninstalls, and does it again.
func (s *nodeFiles) wantConfigured(options map[string]any) {
	s.t.Helper()
	// Without a file containerd prints its default configuration, which a file that
	// only imports does not change.
	files := s.files()
	before := map[string]any(nil)
	if _, ok := files[s.path("etc/config.toml")]; ok {
		before, _ = s.dump()
	}
	s.install(0)
	if before == nil {
		before = s.defaults()
	}
	s.wantRuntime(before, options)
	installed := s.files()
	s.install(0)
	if got := s.files(); !maps.Equal(got, installed) {
		s.t.Errorf("installed twice: got %q, want %q", got, installed)
	}
	s.wantCode(0, "uninstall")
	if got := s.files(); !maps.Equal(got, files) {
		s.t.Errorf("uninstalled: got %q, want %q", got, files)
	}
	s.wantCode(1, "uninstall")
	s.install(0)
	s.wantRuntime(before, options)
	s.wantCode(0, "uninstall")
	if got := s.files(); !maps.Equal(got, files) {
		s.t.Errorf("uninstalled again: got %q, want %q", got, files)
	}
}

// defaults is what containerd makes of an empty file.
func (s *nodeFiles) defaults() map[string]any {
	s.t.Helper()
	empty := &nodeFiles{t: s.t, bins: s.bins, dir: s.t.TempDir()}
	if err := os.MkdirAll(empty.path("etc"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(empty.path("etc/config.toml"), []byte("version = 3\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	config, _ := empty.dump()
	return config
}
