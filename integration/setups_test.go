package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/api/types/runtimeoptions/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are the ways to configure bookend in containerd.

// noted are the hooks that the tests of a setup run, and notes what they note.
const noted = `{"postStart":{"exec":{"command":["sh","-c","echo post >> /fifo/trace"]}},"preStop":{"exec":{"command":["sh","-c","echo pre >> /fifo/trace"]}}}`

var notes = []string{"post", "pre", "term"}

// wantHooks runs a container with hooks in a pod of the handler.
func wantHooks(t *testing.T, d *harness.Daemon, opts harness.PodOptions) {
	t.Helper()
	opts.Annotations = map[string]string{harness.PodLifecycleKey: noted}
	m := harness.RunContainer(t, d.TestPod(t, opts), harness.ContainerOptions{Name: "main"})
	m.Stop()
	m.WantTrace(notes...)
}

func TestSetupByEveryHandlerHasHooks(t *testing.T) {
	d := shared.Daemon(t)
	for _, handler := range []string{harness.Bookend, harness.BookendType, harness.BookendOptions} {
		t.Run(handler, func(t *testing.T) { wantHooks(t, d, harness.PodOptions{Handler: handler}) })
	}
}

func TestSetupOfUserNamespacedPodsHasHooks(t *testing.T) {
	d := shared.Daemon(t)
	for _, handler := range []string{harness.Bookend, harness.BookendType} {
		t.Run(handler, func(t *testing.T) {
			const hook = `{"exec":{"command":["sh","-c","awk '{print $2}' /proc/self/uid_map >> /fifo/trace"]}}`
			pod := d.TestPod(t, harness.PodOptions{Handler: handler, UserNamespace: true, Annotations: map[string]string{
				harness.PodLifecycleKey: `{"postStart":` + hook + `,"preStop":` + hook + `}`,
			}})
			m := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
			m.Stop()
			m.WantTrace("1048576", "1048576", "term")
		})
	}
}

func TestSetupByAPlainNameNeedsNoConfiguration(t *testing.T) {
	d := harness.StartDaemon(t, harness.Options{Env: []string{"BOOKEND_CONFIG="}})
	if _, err := os.Stat("/etc/bookend/config.toml"); err == nil {
		t.Fatal("this machine has a configuration; the test is about one that has none")
	}
	const records = "/run/bookend"
	_, err := os.Stat(records)
	ours := os.IsNotExist(err)
	id := harness.NewID("t")
	// When the task is gone: until then its shim writes there.
	harness.Cleanup(t, func(context.Context) error { return removeRecords(records, id, ours) })
	h := harness.RunTask(t, d, noted, func(o *harness.TaskOptions) { o.ID = id })
	h.Stop()
	h.WantTrace(notes...)
	if found := attempts(t, records, h.ID); len(found) != 2 || found[1].Outcome != "Succeeded" {
		t.Errorf("records of a node without a configuration: %+v", found)
	}
}

// removeRecords removes what a container left in the machine's own records, or
// all of them where they are the tests'.
func removeRecords(dir, id string, all bool) error {
	if all {
		return os.RemoveAll(dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	for _, file := range files {
		if data, readErr := os.ReadFile(file); readErr == nil && strings.Contains(string(data), `"`+id+`"`) {
			err = errors.Join(err, os.Remove(file))
		}
	}
	return err
}

// nodeTOML allows users and names a runtime and its root.
func nodeTOML(runc, root string) string {
	return "[policy]\nallowUser = true\n[runc]\nbinaryName = '" + runc + "'\nroot = '" + root + "'\n" +
		fmt.Sprintf("systemdCgroup = %t\n", harness.SystemdCgroups()) +
		"[records]\ndirectory = '" + filepath.Join(filepath.Dir(runc), "records") + "'\n"
}

// tracingRunc is a runtime that notes its calls in the file it returns second.
func tracingRunc(t *testing.T) (path, calls string) {
	t.Helper()
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, calls = filepath.Join(dir, "runc-traced"), filepath.Join(dir, "calls")
	script := "#!/bin/sh\necho \"$@\" >> " + calls + "\nexec " + filepath.Join(bins.Tools, "runc") + " \"$@\"\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path, calls
}

func TestSetupByAnOptionsTableIsOurConfiguration(t *testing.T) {
	runc, calls := tracingRunc(t)
	root := t.TempDir()
	file := filepath.Join(t.TempDir(), "node.toml")
	if err := os.WriteFile(file, []byte(nodeTOML(runc, root)), 0o600); err != nil {
		t.Fatal(err)
	}
	handlers := []harness.Handler{
		{Name: "inline", Options: map[string]any{
			"policy": map[string]any{"allowUser": true},
			"runc":   map[string]any{"binaryName": runc, "root": root},
		}},
		{Name: "path", Options: map[string]any{"TypeUrl": "bookend.dev/config", "ConfigPath": file}},
	}
	for i := range handlers {
		handlers[i].Type = harness.BookendRuntime
		handlers[i].ContainerAnnotations = []string{"lifecycle.bookend.dev/*"}
	}
	d := harness.StartDaemon(t, harness.Options{Handlers: handlers})
	for _, h := range handlers {
		t.Run(h.Name, func(t *testing.T) {
			if err := os.RemoveAll(calls); err != nil {
				t.Fatal(err)
			}
			pod := d.TestPod(t, harness.PodOptions{Handler: h.Name})
			m := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main", Annotations: map[string]string{
				harness.PodLifecycleKey: `{"postStart":{"exec":{"user":"nobody","command":["sh","-c","id -un >> /fifo/trace"]}}}`,
			}})
			wantRuntime(t, m.ID, root, calls)
			m.Stop()
			m.WantTrace("nobody", "term")
		})
	}
}

// wantRuntime checks which runtime and root a container of the CRI's was made
// with.
func wantRuntime(t *testing.T, id, root, calls string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, harness.CRINamespace, id, "state.json")); err != nil {
		t.Errorf("runc.root is not used: %v", err)
	}
	data, err := os.ReadFile(calls)
	if err != nil || !slices.ContainsFunc(strings.Split(string(data), "\n"), func(call string) bool {
		return strings.Contains(call, " create ") && strings.HasSuffix(call, id)
	}) {
		t.Errorf("runc.binaryName is not used: %v; it was called with\n%s", err, data)
	}
}

func TestSetupByOptionsOfTheTaskAPIIsOurConfiguration(t *testing.T) {
	d := shared.Daemon(t)
	runc, calls := tracingRunc(t)
	root := t.TempDir()
	h := harness.RunTask(t, d, `{"postStart":{"exec":{"user":"nobody","command":["sh","-c","id -un >> /fifo/trace"]}}}`, func(o *harness.TaskOptions) {
		o.RuntimeOptions = &runtimeoptions.Options{ConfigBody: []byte(nodeTOML(runc, root))}
	})
	if _, err := os.Stat(filepath.Join(root, harness.TaskNamespace, h.ID, "state.json")); err != nil {
		t.Errorf("runc.root is not used: %v", err)
	}
	if _, err := os.Stat(calls); err != nil {
		t.Errorf("runc.binaryName is not used: %v", err)
	}
	h.Stop()
	h.WantTrace("nobody", "term")
}

func TestSetupByAnInvalidOptionsTableIsOnlyForThoseWhoAskForHooks(t *testing.T) {
	d := harness.StartDaemon(t, harness.Options{Handlers: []harness.Handler{{
		Name: "typo", Type: harness.BookendRuntime, Options: map[string]any{"BinaryName": "runc"},
		ContainerAnnotations: []string{"lifecycle.bookend.dev/*"},
	}}})
	pod := d.TestPod(t, harness.PodOptions{})
	refused(t, d, pod, map[string]string{harness.PodLifecycleKey: noted}, "cannot be applied, the node's configuration is invalid; the node's log says why")
	if text := "config runtime options: BinaryName: unknown field, expected one of defaults, policy, records, log, exec, runc (line 1)"; !strings.Contains(d.Log(), text) {
		t.Errorf("the log does not say %q", text)
	}
	m := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
	m.Stop()
	m.WantTrace("term")
}

func TestSetupOutsidePATHSurvivesARestart(t *testing.T) {
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	handlers := harness.DefaultHandlers(bins)
	byPath := handlers[slices.IndexFunc(handlers, func(h harness.Handler) bool { return h.Name == harness.Bookend })]
	// Of this one a containerd that goes by names finds no shim at all.
	byPathAndType := byPath
	byPathAndType.Name, byPathAndType.Type = "bookend-path-type", harness.BookendRuntime
	d := harness.StartDaemon(t, harness.Options{Path: []string{bins.Tools}, Handlers: []harness.Handler{byPath, byPathAndType}})
	var members []*harness.Fixture
	for _, h := range []harness.Handler{byPath, byPathAndType} {
		pod := d.TestPod(t, harness.PodOptions{Handler: h.Name, Annotations: map[string]string{harness.PodLifecycleKey: noted}})
		members = append(members, harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"}), harness.RunContainer(t, pod, harness.ContainerOptions{Name: "side"}))
	}
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if got, err := m.Container.Exec(t.Context(), "echo", "alive"); err != nil || got.Stdout != "alive\n" {
			t.Errorf("exec in %s after the restart: %+v, %v", m.Container.Name(), got, err)
		}
		m.Stop()
		if m.Container.Name() == "main" {
			m.WantTrace(notes...)
		} else {
			m.WantTrace("term")
		}
	}
}

func TestSetupOfATaskOutsidePATHSurvivesARestart(t *testing.T) {
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	d := harness.StartDaemon(t, harness.Options{Path: []string{bins.Tools}})
	h := harness.RunTask(t, d, noted, func(o *harness.TaskOptions) {
		o.Runtime = filepath.Join(bins.Bin, "containerd-shim-bookend-v2")
	})
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Task.Kill(t.Context(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	h.WantExit(0)
	h.WantTrace(notes...)
}

// The kubelet's driver may be systemd where the runtime's options say that it is not:
// containerd's own default. Then the stock shim makes a directory of that name.
func TestSetupWhoseOptionsDenySystemdIsObeyed(t *testing.T) {
	if harness.SystemdCgroups() {
		t.Skip("the tests' options name systemd on this machine")
	}
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	denied := map[string]any{"SystemdCgroup": false}
	path := filepath.Join(bins.Bin, harness.ShimBinary)
	d := harness.StartDaemon(t, harness.Options{Handlers: []harness.Handler{
		{Name: harness.Runc, Type: harness.RuncRuntime, Options: denied},
		{Name: harness.Bookend, Type: harness.RuncRuntime, Path: path, Options: denied},
		{Name: harness.BookendType, Type: harness.BookendRuntime}, // it goes by whether there is systemd
	}})
	for _, handler := range []string{harness.Runc, harness.Bookend, harness.BookendType} {
		t.Run(handler, func(t *testing.T) {
			pod := d.TestPod(t, harness.PodOptions{Handler: handler, Edit: func(c *runtimeapi.PodSandboxConfig) {
				c.Linux.CgroupParent = "bookend-test.slice"
			}})
			c := pod.TestContainer(t, harness.ContainerOptions{Name: "main"})
			pid, err := c.PID(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			cgroup, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
			if err != nil || !strings.Contains(string(cgroup), "bookend-test.slice:cri-containerd:"+c.ID) {
				t.Errorf("%v; the container is in\n%s", err, cgroup)
			}
		})
	}
}
