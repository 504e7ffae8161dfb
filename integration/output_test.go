package integration

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about hooks that print into their container's log.

// chatty is an entrypoint that prints as well.
const chatty = "echo mine; echo mine too >&2\n" + harness.Entrypoint

// inLog is a hook that prints into its container's log and notes a word when it
// has done so.
func inLog(script, word string) string {
	return fmt.Sprintf(`{"output":"container","exec":%s}`, shell(script+"; echo "+word+" >> /fifo/trace"))
}

// twoHooks print on both streams and leave a line unfinished.
var twoHooks = `{"postStart":` + inLog("echo one; echo two >&2; printf three", "post") +
	`,"preStop":` + inLog("echo bye", "pre") + `}`

// awaitLines waits until read returns these lines, in whatever order: what is
// printed by two writers has none.
func awaitLines(t *testing.T, read func() string, want ...string) {
	t.Helper()
	slices.Sort(want)
	err := harness.Poll(t.Context(), time.Minute, "the container's log", func() error {
		got := slices.Sorted(strings.Lines(read()))
		for i := range got {
			got[i] = strings.TrimSuffix(got[i], "\n")
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("it is %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// withoutTime is a CRI log with stream, tag and text of each line.
func withoutTime(t *testing.T, c *harness.Container) string {
	t.Helper()
	text, err := c.Log()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		_, rest, _ := strings.Cut(line, " ")
		b.WriteString(rest)
	}
	return b.String()
}

func TestOutputGoesIntoTheLogOfACRIContainer(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	m := harness.RunContainer(t, pod, harness.ContainerOptions{
		Name: "main", Command: []string{"sh", "-c", chatty}, Annotations: map[string]string{harness.PodLifecycleKey: twoHooks},
	})
	read := func() string { return withoutTime(t, m.Container) }
	lines := []string{"stdout F mine", "stderr F mine too", "stdout F [postStart] one", "stderr F [postStart] two", "stdout F [postStart] three"}
	awaitLines(t, read, lines...)
	m.Stop()
	awaitLines(t, read, append(lines, "stdout F [preStop] bye")...)
	m.WantTrace("post", "pre", "term")
}

func TestOutputGoesIntoTheFIFOsOfATask(t *testing.T) {
	h := harness.RunTask(t, shared.Daemon(t), twoHooks, func(o *harness.TaskOptions) { o.Args = []string{"sh", "-c", chatty} })
	awaitLines(t, h.Task.Stderr, "mine too", "[postStart] two")
	h.Stop()
	awaitLines(t, h.Task.Stdout, "mine", "[postStart] one", "[postStart] three", "[preStop] bye")
}

func TestOutputGoesIntoTheLogFileOfATask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "task.log")
	uri := &url.URL{Scheme: "file", Path: path}
	h := harness.RunTask(t, shared.Daemon(t), twoHooks, func(o *harness.TaskOptions) {
		o.Args, o.IO = []string{"sh", "-c", chatty}, cio.LogURI(uri)
	})
	h.Stop()
	read := func() string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		return string(data)
	}
	awaitLines(t, read, "mine", "mine too", "[postStart] one", "[postStart] two", "[postStart] three", "[preStop] bye")
}

func TestOutputIsRefusedInTheLogOfATerminal(t *testing.T) {
	d := shared.Daemon(t)
	const want = `annotation ` + harness.LifecycleKey + `: preStop.output: must be records for a container with a terminal, got "container"`
	withTerminal := func(o *harness.TaskOptions) {
		o.Spec = append(o.Spec, oci.WithTTY)
		o.IO = cio.NewCreator(cio.WithTerminal, cio.WithFIFODir(d.Path("fifo")), cio.WithStreams(nil, io.Discard, nil))
	}
	before, err := d.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	opts := harness.TaskOptions{Runtime: harness.BookendRuntime, Annotations: map[string]string{harness.LifecycleKey: `{"preStop":{"output":"container","sleep":{}}}`}}
	withTerminal(&opts)
	if _, err := d.Tasks.Create(t.Context(), opts); !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), want) {
		t.Errorf("Create: %v, want InvalidArgument with %q", err, want)
	}
	wantNothingNew(t, d, before)

	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	c, err := pod.CreateContainer(t.Context(), harness.ContainerOptions{
		Name: "main", Annotations: map[string]string{harness.PodLifecycleKey: `{"preStop":{"output":"container","sleep":{}}}`},
		Edit: func(c *runtimeapi.ContainerConfig) { c.Tty = true },
	})
	if err != nil {
		t.Fatal(err)
	}
	wantPod := strings.Replace(want, harness.LifecycleKey, harness.PodLifecycleKey, 1)
	if err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), wantPod) {
		t.Errorf("StartContainer: %v, want %q", err, wantPod)
	}

	// The node's own default gets by without.
	setConfig(t, d, "[defaults.preStop]\noutput = 'container'\n"+defaultPreStop("default"))
	h := harness.RunTask(t, d, "", without, withTerminal)
	h.WantLog("the container has a terminal")
	h.Stop()
	h.WantTrace("default", "term")
}

func TestOutputGoesToNoLoggingBinary(t *testing.T) {
	d := shared.Daemon(t)
	dir := t.TempDir()
	binary, logged := filepath.Join(dir, "logger"), filepath.Join(dir, "log")
	script := "#!/bin/sh\nexec 5>&-\ncat <&3 >>" + logged + "\n"
	if err := os.WriteFile(binary, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	h := harness.RunTask(t, d, twoHooks, func(o *harness.TaskOptions) {
		o.Args, o.IO = []string{"sh", "-c", chatty}, cio.BinaryIO(binary, nil)
	})
	h.Stop()
	h.WantTrace("post", "pre", "term")
	wantLogged(t, h, 1, "a logging binary writes the container's log")
	awaitLines(t, func() string {
		data, _ := os.ReadFile(logged)
		return string(data)
	}, "mine")
}

func TestOutputGoesIntoRecordsWithoutAnyLog(t *testing.T) {
	h := harness.RunTask(t, shared.Daemon(t), twoHooks, func(o *harness.TaskOptions) { o.IO = cio.NullIO })
	h.Stop()
	h.WantTrace("post", "pre", "term")
	wantLogged(t, h, 1, "the container has no log")
}

// wantLogged counts the lines of the node's log about this container that have
// a text.
func wantLogged(t *testing.T, h *harness.Fixture, want int, text string) {
	t.Helper()
	h.WantLog(text)
	got := 0
	for _, line := range h.Daemon.LogOf(h.ID) {
		if strings.Contains(line, text) {
			got++
		}
	}
	if got != want {
		t.Errorf("%d lines say %q, want %d", got, text, want)
	}
}

// containerd, which reads the container's log, dies while a hook prints more
// than FIFO and queue hold. The hook ends and the container stops before
// anybody reads again.
func TestOutputHoldsNoHookUpWhileNobodyReadsTheLog(t *testing.T) {
	d := harness.StartDaemon(t, harness.Options{})
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	m := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main", Annotations: map[string]string{
		harness.PodLifecycleKey: `{"preStop":` + inLog(waitingPre+`; yes | head -c 3000000; yes | head -c 3000000 >&2`, "printed") + `}`,
	}})
	shim, err := d.Shim(t.Context(), harness.CRINamespace, m.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer shim.Close()
	if _, err := shim.Kill(shim.Context(t.Context()), &taskapi.KillRequest{ID: m.ID, Signal: uint32(syscall.SIGTERM)}); err != nil {
		t.Fatal(err)
	}
	m.Await("pre")
	if err := d.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.FIFOs.Open(t.Context(), "pre-go"); err != nil {
		t.Error(err)
	}
	want := []string{"pre", "printed", "term"}
	err = harness.Poll(t.Context(), time.Minute, "the stop", func() error {
		if got := m.Trace(); !slices.Equal(got, want) {
			return fmt.Errorf("trace %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := d.Relaunch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
		t.Error(err)
	}
}

func TestOutputInTheLogIsForbiddenByPolicy(t *testing.T) {
	d := shared.Daemon(t)
	setConfig(t, d, "[policy]\nallowContainerOutput = false\nallowHandlers = ['sleep']\nmaxPreStopTimeoutSeconds = 5\n")
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	for lifecycle, want := range map[string]string{
		`{"preStop":{"output":"container","sleep":{}}}`: `preStop.output: must be records on this node (policy.allowContainerOutput), got "container"`,
		`{"preStop":{"exec":{"command":["true"]}}}`:     `preStop.exec: is not allowed on this node (policy.allowHandlers), use sleep`,
		`{"preStop":{"sleep":{},"timeoutSeconds":6}}`:   `preStop.timeoutSeconds: must be between 1 and 5 on this node (policy.maxPreStopTimeoutSeconds), got 6`,
	} {
		refused(t, d, pod, map[string]string{harness.PodLifecycleKey: lifecycle}, "annotation "+harness.PodLifecycleKey+": "+want)
	}
}

// A container's lines have the level of the configuration at its Create.
func TestConfigSetsTheLogLevel(t *testing.T) {
	d := shared.Daemon(t)
	const twice = `{"preStop":{"exec":{"command":["false"]}},"postStart":{"sleep":{}}}`
	lines := map[string][]string{} // of bookend, by level
	for _, level := range []string{"error", "debug"} {
		setConfig(t, d, "[log]\nlevel = '"+level+"'\n")
		h := harness.RunTask(t, d, twice)
		h.Stop()
		h.WantLog("FailedPreStopHook")
		for line := range strings.Lines(d.Log()) {
			if strings.Contains(line, "container="+h.ID) && strings.Contains(line, "bookend: ") {
				lines[level] = append(lines[level], line)
			}
		}
	}
	if len(lines["error"]) != 1 {
		t.Errorf("at level error: %q, want the failure alone", lines["error"])
	}
	if all := strings.Join(lines["debug"], ""); strings.Count(all, "hook started") != 2 || strings.Count(all, "hook ended") != 1 {
		t.Errorf("at level debug: %q", lines["debug"])
	}
}
