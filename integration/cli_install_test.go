package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// node is a machine on which the command line installs bookend: a daemon whose
// configuration knows nothing of it, and directories for its binaries.
type node struct {
	*harness.Daemon
	t   *testing.T
	bin string // on containerd's PATH
	lib string
}

func newNode(t *testing.T, opts harness.Options) *node {
	t.Helper()
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	n := &node{t: t, bin: filepath.Join(dir, "bin"), lib: filepath.Join(dir, "lib")}
	opts.Path = []string{bins.Tools, n.bin}
	if opts.Handlers == nil {
		opts.Handlers = []harness.Handler{{Name: harness.Runc, Type: "io.containerd.runc.v2", Options: map[string]any{"BinaryName": filepath.Join(bins.Tools, "runc")}}}
	}
	n.Daemon = harness.StartDaemon(t, opts)
	return n
}

// bookend runs the command line and returns its exit code and output.
func (n *node) bookend(args ...string) (code int, out, errs string) {
	n.t.Helper()
	cmd := exec.Command(filepath.Join(n.Binaries().Bin, "bookend"), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		n.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// wantCode runs the command line, wants its exit code, and returns what it
// printed.
func (n *node) wantCode(want int, args ...string) string {
	n.t.Helper()
	code, out, errs := n.bookend(args...)
	if code != want {
		n.t.Fatalf("bookend %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errs)
	}
	return out + errs
}

func (n *node) installArgs(more ...string) []string {
	return append([]string{
		"install", "--bin-dir", n.bin, "--lib-dir", n.lib, "--containerd-config", n.ConfigPath(),
		"--containerd", filepath.Join(n.Binaries().Tools, "containerd"),
	}, more...)
}

// editing is the flag without which a runtime does not get into the main file of a
// containerd before 2.0; nothing for others, which read a drop-in.
func (n *node) editing() []string {
	n.t.Helper()
	if release, err := harness.FindRelease(); err != nil {
		n.t.Fatal(err)
	} else if release.Before(2, 0) {
		return []string{"--edit-config"}
	}
	return nil
}

func (n *node) uninstallArgs() []string {
	return []string{"uninstall", "--bin-dir", n.bin, "--lib-dir", n.lib}
}

// wantDoctor runs doctor and wants its exit code and the status of some checks.
func (n *node) wantDoctor(code int, want map[string]string, flags ...string) {
	n.t.Helper()
	out := n.wantCode(code, append([]string{"doctor", "--address", n.Address(), "-o", "json"}, flags...)...)
	var results []struct{ Check, Status, Found, Fix string }
	if err := json.Unmarshal([]byte(out), &results); err != nil {
		n.t.Fatalf("%v in %s", err, out)
	}
	got := map[string]string{}
	for _, r := range results {
		if _, ok := want[r.Check]; ok {
			got[r.Check] = r.Status
		}
		if r.Status != "pass" && r.Fix == "" {
			n.t.Errorf("doctor does not say how to fix %s: %s", r.Check, r.Found)
		}
	}
	if !maps.Equal(got, want) {
		n.t.Errorf("doctor: got %v, want %v in\n%s", got, want, out)
	}
}

func (n *node) restart() {
	n.t.Helper()
	if err := n.Restart(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

// wantNoHandler wants the runtime to be unknown to containerd.
func (n *node) wantNoHandler() {
	n.t.Helper()
	if _, err := n.CRI.RunPod(n.t.Context(), harness.PodOptions{Handler: harness.Bookend}); err == nil || !strings.Contains(err.Error(), `no runtime for "bookend" is configured`) {
		n.t.Errorf("run a pod: %v, want that the runtime is unknown", err)
	}
}

// files are those of the configuration, by path.
func (n *node) files() map[string]string {
	n.t.Helper()
	files := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(n.Dir, "conf.d", "*"))
	if err != nil {
		n.t.Fatal(err)
	}
	for _, path := range append(paths, n.ConfigPath()) {
		data, err := os.ReadFile(path)
		if err != nil {
			n.t.Fatal(err)
		}
		files[path] = string(data)
	}
	return files
}

// What doctor says of a node where all is well.
func healthy() map[string]string {
	return map[string]string{
		"distribution": "pass", "containerd": "pass", "runtime": "pass", "annotations": "pass", "loaded": "pass", "shim": "pass",
		"bookend-exec": "pass", "bookend": "pass", "PATH": "pass", "runc": "pass", "seccomp": "pass", "exec": "pass", "kernel": "pass", "cgroups": "pass", "capabilities": "pass", "configuration": "pass",
	}
}

func TestCliInstallMakesAPodWorkThatDidNot(t *testing.T) {
	release, err := harness.FindRelease()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		imports []string
		install []string
		advice  bool // what doctor says is done, word by word
	}{
		"a drop-in":          {imports: []string{"conf.d/*.toml"}},
		"an import to add":   {install: []string{"--edit-config"}},
		"an import to amend": {imports: []string{}, install: []string{"--edit-config"}},
		"doctor's advice":    {advice: true},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, harness.Options{Imports: tt.imports})
			tt.install = append(tt.install, n.editing()...)
			before := n.files()
			n.wantNoHandler()
			n.wantDoctor(3, map[string]string{"containerd": "pass", "runtime": "fail", "annotations": "fail", "loaded": "fail", "shim": "fail", "runc": "pass"})

			install := n.installArgs(tt.install...)
			if tt.advice {
				install = n.advice("runtime")
			}
			diff := n.wantCode(0, append(install, "--dry-run")...)
			if !strings.Contains(diff, "+[plugins.'"+criPlugin(release)+"'.containerd.runtimes.bookend]\n") || !maps.Equal(n.files(), before) {
				t.Errorf("a dry run changed files, or shows no diff:\n%s", diff)
			}
			n.wantCode(0, install...)
			n.wantDoctor(3, map[string]string{"runtime": "pass", "annotations": "pass", "loaded": "fail", "shim": "pass"})
			n.restart()
			n.wantDoctor(0, healthy())
			t.Run("pod", func(t *testing.T) { wantHooks(t, n.Daemon, harness.PodOptions{Handler: harness.Bookend}) })
			if out := n.wantCode(0, install...); !strings.HasPrefix(out, "Nothing to change: ") {
				t.Errorf("install again: %s", out)
			}
			n.uninstall()
			if after := n.files(); !maps.Equal(after, before) {
				t.Errorf("uninstalled: got %q, want %q", after, before)
			}
			n.restart()
			n.wantNoHandler()
			n.wantDoctor(3, map[string]string{"runtime": "fail", "loaded": "fail", "shim": "fail"})
		})
	}
}

// advice is the command that doctor gives for a check, without its name and without
// what is to be done after it.
func (n *node) advice(check string) []string {
	n.t.Helper()
	out := n.wantCode(3, "doctor", "--address", n.Address(), "-o", "json", "--bin-dir", n.bin, "--lib-dir", n.lib)
	var results []struct{ Check, Fix string }
	if err := json.Unmarshal([]byte(out), &results); err != nil {
		n.t.Fatal(err)
	}
	for _, r := range results {
		command, restart := r.Fix, false
		for _, before := range []string{", then ", " && "} { // a person's part, or a command
			var found bool
			command, _, found = strings.Cut(command, before)
			restart = restart || found
		}
		if restart && r.Check == check {
			return strings.Fields(command)[1:]
		}
	}
	n.t.Fatalf("no advice for %s in\n%s", check, out)
	return nil
}

// uninstall waits until shims that nobody needs any more have gone, and wants
// nothing of the installation to be left.
func (n *node) uninstall() {
	n.t.Helper()
	err := harness.Poll(n.t.Context(), time.Minute, "uninstall", func() error {
		if code, out, errs := n.bookend(n.uninstallArgs()...); code != 0 {
			return fmt.Errorf("exit code %d, %s%s", code, out, errs)
		}
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, dir := range []string{n.bin, n.lib} {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			n.t.Errorf("%s is left: %v", dir, err)
		}
	}
}

// sets are the directories of binaries that shims run from, with how many.
func (n *node) sets() map[string]int {
	n.t.Helper()
	exes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		n.t.Fatal(err)
	}
	sets := map[string]int{}
	for _, exe := range exes {
		path, err := os.Readlink(exe)
		if err == nil && strings.HasPrefix(path, n.lib+"/") && filepath.Base(path) == "containerd-shim-bookend-v2" {
			sets[filepath.Dir(path)]++
		}
	}
	return sets
}

// newBinaries is a directory with binaries that are the same, and yet others.
func (n *node) newBinaries() string {
	n.t.Helper()
	dir := n.t.TempDir()
	for _, name := range []string{"containerd-shim-bookend-v2", "bookend-exec", "bookend"} {
		data, err := os.ReadFile(filepath.Join(n.Binaries().Bin, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), append(data, "another build"...), 0o755)
		}
		if err != nil {
			n.t.Fatal(err)
		}
	}
	return dir
}

func TestCliInstallOfAnUpgradeLeavesRunningShimsTheirBinaries(t *testing.T) {
	n := newNode(t, harness.Options{Imports: []string{"conf.d/*.toml"}})
	n.wantCode(0, n.installArgs(n.editing()...)...)
	n.restart()
	t.Run("pods", func(t *testing.T) {
		enter := func(pod *harness.Pod, name string) *harness.Fixture {
			return harness.RunContainer(t, pod, harness.ContainerOptions{Name: name, Annotations: map[string]string{"lifecycle.bookend.dev/" + name: noted}})
		}
		opts := harness.PodOptions{Handler: harness.Bookend}
		oldPod := n.TestPod(t, opts)
		old := enter(oldPod, "main")
		first := n.sets()
		n.wantCode(0, n.installArgs(append(n.editing(), "--from", n.newBinaries(), "--prune")...)...)
		upgraded := enter(n.TestPod(t, opts), "main")
		late := enter(oldPod, "side") // its shim is the old one
		if got := n.sets(); len(first) != 1 || len(got) != 2 {
			t.Errorf("shims run from %v, then from %v; want another directory", first, got)
		}
		if out := n.wantCode(1, n.uninstallArgs()...); !strings.Contains(out, "shims of this installation run: pids ") {
			t.Errorf("uninstall under running shims: %s", out)
		}
		n.restart()
		for _, m := range []*harness.Fixture{old, upgraded, late} {
			if got, err := m.Container.Exec(t.Context(), "echo", "alive"); err != nil || got.Stdout != "alive\n" {
				t.Errorf("exec after the restart: %+v, %v", got, err)
			}
			m.Stop()
			m.WantTrace(notes...)
		}
	})
	n.uninstall()
}
