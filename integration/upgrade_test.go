package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/api/types/runc/options"
)

// The tests in this file, and in those whose names begin with upgrade, are about two
// versions of bookend on one node: this one, and the old one of make old-bookend.

// oldVersion is a node on which an old version of bookend can be installed.
type oldVersion struct {
	*node
	old string // the directory of its binaries
}

func newOldVersion(t *testing.T) *oldVersion {
	t.Helper()
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(bins.Root, ".cache", "old-bookend")
	if why, err := os.ReadFile(filepath.Join(dir, "missing")); err == nil {
		t.Skipf("no old version: %s", bytes.TrimSpace(why))
	}
	if before(t, 3) {
		t.Skip("the old version serves no containerd before 2.3")
	}
	old := filepath.Join(dir, "bin")
	if _, err := os.Stat(filepath.Join(old, harness.ShimBinary)); err != nil {
		t.Fatalf("%v: make old-bookend builds it", err)
	}
	return &oldVersion{node: newNode(t, harness.Options{Imports: []string{"conf.d/*.toml"}}), old: old}
}

// run runs the old command line, wants it to succeed, and returns what it printed.
func (o *oldVersion) run(args ...string) string {
	o.t.Helper()
	cmd := exec.Command(filepath.Join(o.old, "bookend"), args...)
	cmd.Env = append(os.Environ(), "BOOKEND_CONFIG=", "CONTAINERD_ADDRESS="+o.Address())
	out, err := cmd.CombinedOutput()
	if err != nil {
		o.t.Fatalf("old bookend %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// install installs the old version where none is.
func (o *oldVersion) install() {
	o.t.Helper()
	o.run(o.installArgs()...)
	o.restart()
}

// upgrade installs the new version over it.
func (o *oldVersion) upgrade() {
	o.t.Helper()
	o.wantCode(0, o.installArgs("--prune")...)
}

// rollBack puts the old version's binaries in the place of the new one's.
func (o *oldVersion) rollBack() {
	o.t.Helper()
	o.run(o.installArgs("--binaries-only")...)
}

// wantServedBy checks which version's shim serves a pod, or a container that is not
// the CRI's.
func (o *oldVersion) wantServedBy(t *testing.T, id string, bin string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(shimPID(t, o.Daemon, id)), "exe"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(bin, harness.ShimBinary))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the shim of %s is not the one in %s", id, bin)
	}
}

// pod runs a pod without containers, whose container "main" will have hooks.
func (o *oldVersion) pod(t *testing.T, lifecycle string) *harness.Pod {
	t.Helper()
	return o.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{harness.PodLifecycleKey: lifecycle}})
}

// withRuncsOptions is for tasks of the old version, which does not tell systemd's
// driver of cgroups by their names.
func withRuncsOptions(o *harness.TaskOptions) { o.RuntimeOptions = &options.Options{} }

// printing has two hooks that print, the second of which waits for the test.
var printing = `{"postStart":{"exec":` + shell(`echo post >> /fifo/trace; echo begun`) + `},"preStop":{"exec":` + shell(waitingPre+`; echo ended`) + `}}`

func TestUpgradeUnderRunningPods(t *testing.T) {
	o := newOldVersion(t)
	o.install()
	t.Run("pods", func(t *testing.T) {
		pod := o.pod(t, printing)
		main := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
		task := harness.RunTask(t, o.Daemon, printing, withRuncsOptions)

		o.upgrade()
		o.restart()
		o.wantDoctor(0, healthy(), "--bin-dir", o.bin, "--lib-dir", o.lib)
		newer := harness.RunTask(t, o.Daemon, printing)
		late := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "late", Annotations: map[string]string{"lifecycle.bookend.dev/late": printing}})
		for id, bin := range map[string]string{pod.ID: o.old, task.ID: o.old, newer.ID: o.Binaries().Bin} {
			o.wantServedBy(t, id, bin)
		}
		all := []*harness.Fixture{main, task, newer, late}
		for _, f := range all {
			stopAndRead(t, f)
		}
		for _, f := range []*harness.Fixture{task, newer} {
			if err := f.Task.Remove(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := pod.Remove(t.Context()); err != nil {
			t.Error(err)
		}
		for _, f := range all {
			awaitNoStatus(t, o.Daemon, f.ID)
			if got := outcomes(t, o.Daemon, f.ID); got != "postStart Succeeded, preStop Succeeded" {
				t.Errorf("history of %s, which is gone: %q", f.ID, got)
			}
		}
	})
	o.uninstall()
}

// stopAndRead stops a container that prints, while the command line tells of it.
func stopAndRead(t *testing.T, f *harness.Fixture) {
	t.Helper()
	d, name := f.Daemon, f.ID
	if f.Container != nil {
		name = f.Container.Pod.Name() + "/" + f.Container.Name()
	}
	awaitShown(t, f, "running", "")
	if got := outcomes(t, d, f.ID, "--container", name); got != "postStart Succeeded" {
		t.Errorf("history of %s: %q", name, got)
	}
	stopped := make(chan error, 1)
	if f.Container != nil {
		go func() { stopped <- f.Container.Stop(t.Context(), harness.Patience) }()
	} else {
		f.Kill(syscall.SIGTERM)
		stopped <- nil
	}
	f.Await("pre")
	awaitShown(t, f, "preStop", "preStop")
	if got := bookend(t, d, "logs", name, "--hook", "preStop"); !strings.Contains(got, " preStop (exec) attempt 1 of "+name) || !strings.Contains(got, ": Running") {
		t.Errorf("logs of a hook that runs: %s", got)
	}
	f.Open("pre-go")
	if err := wantReply(t, stopped); err != nil {
		t.Error(err)
	}
	f.WantExit(0)
	f.WantTrace("post", "pre", "term")
	awaitAttempts(t, d, f.ID, "postStart Succeeded", "preStop Succeeded")
	attempt := func(hook string) string {
		return "=== [^\n]* " + hook + ` \(exec\) attempt 1 of ` + regexp.QuoteMeta(name) + "[^\n]*: Succeeded, after [^\n]*\n"
	}
	want := regexp.MustCompile("^" + attempt("postStart") + "stdout: begun\n" + attempt("preStop") + "stdout: go\nstdout: ended\n$")
	if got := bookend(t, d, "logs", name); !want.MatchString(got) {
		t.Errorf("logs of %s:\n%s", name, got)
	}
}

// awaitShown waits until ps shows a container in a phase, with a hook running.
func awaitShown(t *testing.T, f *harness.Fixture, phase, hook string) {
	t.Helper()
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "ps", func() error {
		out := bookend(t, f.Daemon, "ps", "-o", "json")
		var all []struct{ Container, Phase, Hook string }
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			return harness.Permanent(err)
		}
		for _, c := range all {
			if c.Container == f.ID && c.Phase == phase && c.Hook == hook {
				return nil
			}
		}
		return errors.New(out)
	})
	if err != nil {
		t.Fatal(err)
	}
}
