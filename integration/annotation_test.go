package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/errdefs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about where a container's hooks come from.

// invalidLifecycles are one annotation of each kind that Create refuses, and
// what it says of it behind the annotation's name.
var invalidLifecycles = map[string]struct{ value, want string }{
	"no YAML":             {`preStop: [`, `is not valid YAML: line `},
	"empty":               {``, `must be a Kubernetes Lifecycle object, got an empty value`},
	"not an object":       {`[]`, `must be a mapping, got a list`},
	"unknown field":       {`{"preStp":{}}`, `preStp: unknown field, expected one of postStart, preStop, `},
	"unknown inner field": {`{"preStop":{"sleep":{"secs":1}}}`, `preStop.sleep.secs: unknown field, expected seconds`},
	"duplicate key":       {`{"preStop":{"sleep":{}},"preStop":{"sleep":{}}}`, `preStop: duplicate key`},
	"two handlers":        {`{"preStop":{"sleep":{"seconds":1},"exec":{"command":["true"]}}}`, `preStop: must have a single handler, got exec and sleep`},
	"no handler":          {`{"postStart":{}}`, `postStart: must have a handler: exec, httpGet or sleep`},
	"wrong type":          {`{"preStop":{"sleep":{"seconds":"5"}}}`, `preStop.sleep.seconds: must be an integer, got a string`},
	"out of range":        {`{"preStop":{"sleep":{"seconds":-3}}}`, `preStop.sleep.seconds: must be >= 0, got -3`},
	"no such port":        {`{"preStop":{"httpGet":{"port":65536}}}`, `preStop.httpGet.port: must be between 1 and 65535, got 65536`},
	"port without ports":  {`{"preStop":{"httpGet":{"port":"web"}}}`, `preStop.httpGet.port: "web" cannot be looked up: the container has no annotation io.kubernetes.container.ports`},
	"YAML alias":          {"postStart: &a {sleep: {}}\npreStop: *a", `postStart: must not carry a YAML anchor`},
	"over 64 KiB":         {`{"preStop":{"exec":{"command":["` + strings.Repeat("x", 64<<10) + `"]}}}`, `must be at most 65536 bytes, got `},
	"tcpSocket":           {`{"preStop":{"tcpSocket":{"port":80}}}`, `preStop.tcpSocket: is not supported`},
	"other hook's field":  {`{"preStop":{"failurePolicy":"Ignore","sleep":{}}}`, `preStop.failurePolicy: unknown field, expected one of exec, `},
	"no such signal":      {`{"stopSignals":["SIGNOPE"]}`, `stopSignals[0]: must be the name of a signal`},
	"user":                {`{"postStart":{"exec":{"command":["true"],"user":"1000"}}}`, `postStart.exec.user: is not allowed on this node (policy.allowUser)`},
	"host":                {`{"preStop":{"httpGet":{"port":80,"host":"10.1.2.3"}}}`, `preStop.httpGet.host: "10.1.2.3" is not allowed on this node (policy.allowHosts)`},
}

func TestAnnotationThatIsInvalidFailsCreate(t *testing.T) {
	d := shared.Daemon(t)
	for name, tt := range invalidLifecycles {
		t.Run(name, func(t *testing.T) {
			before, err := d.Inventory()
			if err != nil {
				t.Fatal(err)
			}
			task, err := d.Tasks.Create(t.Context(), harness.TaskOptions{
				Runtime: harness.BookendRuntime, Annotations: map[string]string{harness.LifecycleKey: tt.value},
			})
			if err == nil {
				harness.Cleanup(t, task.Remove)
			}
			if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "annotation "+harness.LifecycleKey+": "+tt.want) {
				t.Errorf("Create: %v, want InvalidArgument with %q", err, tt.want)
			}
			if err := d.CheckLeaks(t.Context(), before); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnnotationThatIsInvalidFailsTheContainerOfAPodAlone(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	neighbour := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "neighbour"})
	for name, tt := range invalidLifecycles {
		t.Run(name, func(t *testing.T) {
			refused(t, d, pod, map[string]string{harness.PodLifecycleKey: tt.value}, "annotation "+harness.PodLifecycleKey+": "+tt.want)
		})
	}
	neighbour.Stop()
	neighbour.WantTrace("term")
}

// refused starts a container "main" whose Create must fail with a message that
// has want in it, and checks that nothing is left of it.
func refused(t *testing.T, d *harness.Daemon, pod *harness.Pod, annotations map[string]string, want string) (id string) {
	t.Helper()
	before, err := d.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	// One attempt may be there already.
	c, err := pod.CreateContainer(t.Context(), harness.ContainerOptions{Name: "main", Attempt: 1, Annotations: annotations})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Start(t.Context())
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), want) {
		t.Errorf("StartContainer: %v, want InvalidArgument with %q", err, want)
	}
	if st, err := c.Status(t.Context()); err != nil || st.GetReason() != "StartError" || !strings.Contains(st.GetMessage(), want) {
		t.Errorf("reason %q, message %q, %v; want StartError with %q", st.GetReason(), st.GetMessage(), err, want)
	}
	if err := c.Remove(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(filepath.Join(pod.Config.GetLogDirectory(), c.Config.GetLogPath())); err != nil {
		t.Error(err)
	}
	wantNothingNew(t, d, before)
	return c.ID
}

func wantNothingNew(t *testing.T, d *harness.Daemon, before harness.Inventory) {
	t.Helper()
	if err := d.CheckNewLeaks(t.Context(), before); err != nil {
		t.Error(err)
	}
}

func TestAnnotationByThePlainKeyIsRefusedInAPod(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	refused(t, d, pod, map[string]string{harness.LifecycleKey: `{"preStop":{"sleep":{"seconds":1}}}`},
		"annotation "+harness.LifecycleKey+": does not apply to a container of a pod: use the annotation "+harness.PodLifecycleKey)
}

func TestAnnotationSpeaksToTheContainerItNames(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{
		harness.PodLifecycleKey:       `{"postStart":` + note("post") + `,"preStop":` + note("pre") + `}`,
		"lifecycle.bookend.dev/other": `{"postStart":` + note("other") + `,"preStop":` + note("other") + `}`,
		"lifecycle.bookend.dev/gone":  `not even an object`,
	}})
	main := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
	side := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "side"})
	main.Stop()
	side.Stop()
	main.WantTrace("post", "pre", "term")
	side.WantTrace("term")
}

func TestAnnotationOfAPodMeansNothingToAPlainContainer(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, "", func(o *harness.TaskOptions) {
		o.Annotations = map[string]string{harness.PodLifecycleKey: "not even an object", "lifecycle.bookend.dev/": `{"preStop":` + note("pre") + `}`}
	})
	if err := h.Task.Kill(t.Context(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	h.WantExit(0)
	h.WantTrace("term")
}

func TestSandboxNeverHasHooks(t *testing.T) {
	d := shared.Daemon(t)
	log := d.TestEvents(t)
	setConfig(t, d, "[defaults.preStop.sleep]\nseconds = 3600\n")
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{
		harness.LifecycleKey:     `nor this`,
		"lifecycle.bookend.dev/": `not even an object`,
	}})
	awaitHandler(t, pausePID(t, pod), syscall.SIGTERM)
	shim, err := d.Shim(t.Context(), harness.CRINamespace, pod.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer shim.Close()
	if _, err := shim.Kill(shim.Context(t.Context()), &taskapi.KillRequest{ID: pod.ID, Signal: uint32(syscall.SIGTERM)}); err != nil {
		t.Fatal(err)
	}
	if _, err := log.WaitTopic(t.Context(), "/tasks/exit", pod.ID); err != nil {
		t.Error("the sandbox did not get its signal:", err)
	}
	awaitNotReady(t, pod)
}

// awaitHandler waits until a process handles a signal: the first one of a pid
// namespace never gets those that it does not.
func awaitHandler(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "a handler of "+sig.String(), func() error {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return harness.Permanent(err)
		}
		// The runtime's own process, which has handlers as well, is the same until it execs.
		if strings.HasPrefix(string(status), "Name:\trunc") {
			return errors.New("it is the runtime's still")
		}
		_, after, _ := strings.Cut(string(status), "SigCgt:\t")
		mask, _, _ := strings.Cut(after, "\n")
		caught, err := strconv.ParseUint(mask, 16, 64)
		if err == nil && caught&(1<<(sig-1)) == 0 {
			err = errors.New("it has none: " + mask)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// kubeletsRecord is where the kubelet notes a container's preStop for itself.
const kubeletsRecord = "io.kubernetes.container.preStopHandler"

func TestAnnotationOfTheKubeletsPreStopIsNeverRun(t *testing.T) {
	handlers := harness.DefaultHandlers(shared.Daemon(t).Binaries())
	ours := handlers[slices.IndexFunc(handlers, func(h harness.Handler) bool { return h.Name == harness.Bookend })]
	ours.ContainerAnnotations = append(ours.ContainerAnnotations, kubeletsRecord)
	d := harness.StartDaemon(t, harness.Options{Handlers: []harness.Handler{ours}})

	pod := d.TestPod(t, harness.PodOptions{})
	annotations := map[string]string{kubeletsRecord: note("kubelet")}
	plain := harness.RunContainer(t, pod, harness.ContainerOptions{Annotations: annotations})
	annotations[harness.PodLifecycleKey] = `{"postStart":` + note("post") + `}`
	main := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main", Annotations: annotations})
	if !strings.Contains(readSpec(t, d, harness.CRINamespace, main.ID), kubeletsRecord) {
		t.Fatal("the annotation was not passed through: the test would prove nothing")
	}
	plain.Stop()
	main.Stop()
	plain.WantTrace("term")
	main.WantTrace("post", "term")
}

// readSpec returns a container's config.json.
func readSpec(t *testing.T, d *harness.Daemon, namespace, id string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(d.Bundle(namespace, id), "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestHTTPGetNamedPortIsTheContainersOwn(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{
		"lifecycle.bookend.dev/web": `{"preStop":{"httpGet":{"port":"http","path":"/named"}}}`,
	}})
	h := serve(t, pod, harness.ContainerOptions{Name: "web", Annotations: map[string]string{
		"io.kubernetes.container.ports": `[{"name":"other","containerPort":9},{"name":"http","containerPort":80,"protocol":"TCP"}]`,
	}})
	if err := h.Container.Stop(t.Context(), harness.Patience); err != nil {
		t.Fatal(err)
	}
	wantRequest(t, h, "/named")
}

func TestGracePeriodIsTheKubeletsUnlessTheAuthorSaysOtherwise(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	const hour = `"preStop":{"sleep":{"seconds":3600}}`
	for name, annotations := range map[string]map[string]string{
		"kubelet": {harness.PodLifecycleKey: `{` + hour + `}`, "io.kubernetes.pod.terminationGracePeriod": "1"},
		"author":  {harness.PodLifecycleKey: `{` + hour + `,"terminationGracePeriodSeconds":1}`, "io.kubernetes.pod.terminationGracePeriod": "3600"},
	} {
		t.Run(name, func(t *testing.T) {
			m := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main", Annotations: annotations})
			m.Stop() // with more patience than the grace period has
			m.WantTrace("term")
			if ev := m.WantHookEvent("preStop", "timeout"); ev["outcome"] != "TimedOut" {
				t.Errorf("event %v, want TimedOut", ev)
			}
			if err := m.Container.Remove(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	if err := pod.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if st, err := pod.Status(t.Context()); err != nil || st.GetState() != runtimeapi.PodSandboxState_SANDBOX_NOTREADY {
		t.Errorf("pod: %v, %v", st.GetState(), err)
	}
}
