package integration

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
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
	t       *testing.T
	bins    harness.Binaries
	release harness.Release
	dir     string
	main    string   // containerd's main file
	flags   []string // of install
}

func (s *nodeFiles) path(name string) string { return filepath.Join(s.dir, name) }

func newNodeFiles(t *testing.T, bins harness.Binaries, from, name string) *nodeFiles {
	t.Helper()
	release, err := harness.FindRelease()
	if err != nil {
		t.Fatal(err)
	}
	s := &nodeFiles{t: t, bins: bins, release: release, dir: t.TempDir()}
	s.main = s.path("etc/config.toml")
	if err := os.CopyFS(s.dir, os.DirFS(filepath.Join(from, name))); err != nil {
		t.Fatal(err)
	}
	for path, text := range s.files() {
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "/DIR", s.dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// wantReadable leaves out a node whose main file this containerd does not read.
func (s *nodeFiles) wantReadable() {
	s.t.Helper()
	var main struct{ Version int }
	if err := toml.Unmarshal([]byte(s.files()[s.main]), &main); err != nil {
		s.t.Fatal(err)
	}
	if newest := s.release.ConfigVersion(); main.Version > newest {
		s.t.Skipf("its file is of version %d, and this containerd reads none beyond %d", main.Version, newest)
	}
}

// files are those of the node, without what is installed beside the configuration.
func (s *nodeFiles) files() map[string]string {
	s.t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (path == s.path("bin") || path == s.path("lib")) {
			return fs.SkipDir
		}
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
	s.wantCode(want, append([]string{"install", "--edit-config", "--containerd-config", s.main, "--containerd", filepath.Join(s.bins.Tools, "containerd")}, s.flags...)...)
}

// criPlugin is the plugin whose configuration has the runtimes.
func criPlugin(r harness.Release) string {
	if r.Before(2, 0) {
		return "io.containerd.grpc.v1.cri"
	}
	return "io.containerd.cri.v1.runtime"
}

// dump is the configuration as containerd understands it, and the runtime
// bookend in it, which is taken out; nil: there is none.
func (s *nodeFiles) dump() (config, bookend map[string]any) {
	s.t.Helper()
	out, err := exec.Command(filepath.Join(s.bins.Tools, "containerd"), "--config", s.main, "config", "dump").Output()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := toml.Unmarshal(out, &config); err != nil {
		s.t.Fatal(err)
	}
	delete(config, "imports")
	runtimes := config
	for _, key := range []string{"plugins", criPlugin(s.release), "containerd", "runtimes"} {
		runtimes, _ = runtimes[key].(map[string]any)
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
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	release, err := harness.FindRelease()
	if err != nil {
		t.Fatal(err)
	}
	if release.Before(2, 0) {
		t.Skip("these nodes are of containerd 2.0 and newer; TestCliInstallOnDistributions has those of 1.7")
	}
	systemd := map[string]any{"SystemdCgroup": true}
	nodes := map[string]map[string]any{
		"no-config": nil, "no-imports": systemd, "other-imports": systemd, "old-name-3": systemd, "old-name-4": nil,
		"both-names": {"Root": "/run/runc-k8s"}, "no-type": systemd, "cgroupfs": nil, "by-hand": nil, "default-kata": nil, "default-nvidia": nil, "some-imported": nil,
		"runtime-path": {"SystemdCgroup": true, "BinaryName": "/opt/containerd/bin/runc", "Root": "/run/other-runc"},
		"only-nvidia":  {"SystemdCgroup": true, "BinaryName": "/usr/bin/nvidia-container-runtime"},
		"drop-ins":     {"SystemdCgroup": true, "Root": "/run/runc-k8s"},
	}
	if release.Before(2, 3) { // names of another version than that of the last file say nothing
		nodes["drop-ins"], nodes["old-name-3"] = systemd, nil
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
			s := newNodeFiles(t, bins, nodesDir, entry.Name())
			s.wantReadable()
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
	if _, ok := files[s.main]; ok {
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
	empty := &nodeFiles{t: s.t, bins: s.bins, release: s.release, dir: s.t.TempDir()}
	empty.main = empty.path("config.toml")
	text := "version = 3\n"
	if s.release.Before(2, 0) { // which has no runc any more once another runtime is named
		text = "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]\nruntime_type = 'io.containerd.runc.v2'\n"
	}
	if err := os.WriteFile(empty.main, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	config, _ := empty.dump()
	return config
}
