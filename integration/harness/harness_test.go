package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/api/types/task"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestPodLife(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, PodOptions{Handler: Runc})
	c := pod.TestContainer(t, ContainerOptions{Env: map[string]string{"GREETING": "hello"}})

	got, err := c.Exec(t.Context(), "sh", "-c", "echo $GREETING; echo oops >&2; exit 3")
	if want := (ExecResult{"hello\n", "oops\n", 3}); err != nil || got != want {
		t.Errorf("exec: got %+v, %v; want %+v", got, err, want)
	}
	if err := c.Stop(t.Context(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	status, err := c.Status(t.Context())
	if err != nil || status.GetState() != runtimeapi.ContainerState_CONTAINER_EXITED || status.GetExitCode() != 0 {
		t.Errorf("after stop: %v, %v; want an exit with code 0", status, err)
	}
}

func TestPodNamespaces(t *testing.T) {
	d := shared.Daemon(t)
	for name, c := range map[string]struct {
		opts   PodOptions
		shared []string // namespaces shared with the host
		init   string   // what pid 1 is, as the container sees it
	}{
		"own":            {PodOptions{}, nil, "sh"},
		"host network":   {PodOptions{HostNetwork: true}, []string{"net"}, "sh"},
		"host pid":       {PodOptions{HostPID: true}, []string{"pid"}, ""},
		"pod pid":        {PodOptions{PodPID: true}, nil, "pause"},
		"user namespace": {PodOptions{UserNamespace: true}, nil, "sh"},
	} {
		t.Run(name, func(t *testing.T) {
			c.opts.Handler = Runc
			container := d.TestPod(t, c.opts).TestContainer(t, ContainerOptions{})
			pid, err := container.PID(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, ns := range []string{"net", "pid", "user"} {
				own, host := namespaceOf(t, pid, ns), namespaceOf(t, os.Getpid(), ns)
				want := slices.Contains(c.shared, ns) || ns == "user" && !c.opts.UserNamespace
				if (own == host) != want {
					t.Errorf("%s namespace shared with the host: %t, want %t", ns, own == host, want)
				}
			}
			got, err := container.Exec(t.Context(), "cat", "/proc/1/comm")
			if err != nil || c.init != "" && strings.TrimSpace(got.Stdout) != c.init {
				t.Errorf("pid 1: got %q, %v; want %q", got.Stdout, err, c.init)
			}
		})
	}
}

func TestRestartKeepsPods(t *testing.T) {
	d := shared.Daemon(t)
	log := d.TestEvents(t)
	c := d.TestPod(t, PodOptions{Handler: Runc}).TestContainer(t, ContainerOptions{})
	before, err := c.PID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, stop := range map[string]func(context.Context) error{"SIGTERM": d.Terminate, "SIGKILL": d.Kill} {
		daemon := d.PID()
		if err := stop(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := d.Relaunch(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after, err := c.PID(t.Context())
		if err != nil || after != before || d.PID() == daemon {
			t.Errorf("%s: init %d, containerd %d became %d, %d; %v", name, before, daemon, after, d.PID(), err)
		}
	}
	if _, err := c.Exec(t.Context(), "true"); err != nil {
		t.Error(err)
	}
	if err := c.Stop(t.Context(), 30*time.Second); err != nil {
		t.Error(err)
	}
	if _, err := log.WaitTopic(t.Context(), "/tasks/exit", c.ID); err != nil {
		t.Errorf("the log ended with the first containerd: %v", err)
	}
}

func TestEventsAreRecordedInOrder(t *testing.T) {
	d := shared.Daemon(t)
	log := d.TestEvents(t)
	task := d.TestTask(t, TaskOptions{Args: []string{"sh", "-c", "echo out; echo err >&2; exit 7"}})
	code, err := task.Exited(t.Context())
	if err != nil || code != 7 {
		t.Errorf("got exit code %d, %v; want 7", code, err)
	}
	// Before Delete: the stock shim tells of an exit before it has sent the
	// event, and ends with it unsent now and then.
	if _, err := log.WaitTopic(t.Context(), "/tasks/exit", task.ID()); err != nil {
		t.Fatal(err)
	}
	// Before Delete, which ends the copying of output.
	err = Poll(t.Context(), time.Minute, "output", func() error {
		if out, err := task.Stdout(), task.Stderr(); out != "out\n" || err != "err\n" {
			return fmt.Errorf("got output %q, %q", out, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := task.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	var topics []string
	for _, e := range log.Of(task.ID()) {
		if e.Topic != "/tasks/delete" { // the stock shim loses it now and then
			topics = append(topics, e.Topic)
		}
	}
	want := []string{"/containers/create", "/tasks/create", "/tasks/start", "/tasks/exit"}
	if !slices.Equal(topics, want) {
		t.Errorf("got events %v; want %v", topics, want)
	}
}

func TestShimAnswersDirectly(t *testing.T) {
	d := shared.Daemon(t)
	c := d.TestPod(t, PodOptions{Handler: Runc}).TestContainer(t, ContainerOptions{})
	shim, err := d.Shim(t.Context(), CRINamespace, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer shim.Close()
	ctx := shim.Context(t.Context())
	state, err := shim.State(ctx, &taskapi.StateRequest{ID: c.ID})
	if err != nil || state.GetStatus() != task.Status_RUNNING {
		t.Errorf("got state %v, %v; want RUNNING", state, err)
	}
	// Not SIGTERM: its shell may not have its trap yet.
	if _, err := shim.Kill(ctx, &taskapi.KillRequest{ID: c.ID, Signal: uint32(syscall.SIGKILL)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
		t.Error(err)
	}
}

func TestFIFOsOrderContainerAndTest(t *testing.T) {
	d := shared.Daemon(t)
	fifos := d.TestFIFOs(t, "started", "go")
	c := d.TestPod(t, PodOptions{Handler: Runc}).TestContainer(t, ContainerOptions{
		Mounts:  fifos.Mounts(),
		Command: []string{"sh", "-c", "echo here > /fifo/started; cat /fifo/go > /fifo/seen; exit 5"},
	})
	if line, err := fifos.Await(t.Context(), "started"); err != nil || line != "here" {
		t.Fatalf("got %q, %v", line, err)
	}
	if status, err := c.Status(t.Context()); err != nil || status.GetState() != runtimeapi.ContainerState_CONTAINER_RUNNING {
		t.Errorf("before the FIFO opens: %v, %v", status, err)
	}
	if err := fifos.Open(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	status, err := c.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED)
	if err != nil || status.GetExitCode() != 5 {
		t.Errorf("got %v, %v; want exit code 5", status, err)
	}
}

func TestTestserver(t *testing.T) {
	d := shared.Daemon(t)
	fifos := d.TestFIFOs(t)
	pod := d.TestPod(t, PodOptions{Handler: Runc})
	c := pod.TestContainer(t, ContainerOptions{
		Image: TestserverImage, Mounts: fifos.Mounts(), Env: map[string]string{"TIMELINE": fifos.Path("timeline")},
	})
	ip, err := pod.IP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = Poll(t.Context(), EndTimeout, "the server to listen", func() error {
		if b, _ := os.ReadFile(fifos.Dir + "/timeline"); !strings.Contains(string(b), " listening\n") {
			return fmt.Errorf("timeline: %q", b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if code := get(t, "http://"+ip+"/status/418", nil); code != http.StatusTeapot {
		t.Errorf("got status %d", code)
	}
	var seen struct{ Method, URI, Host string }
	get(t, "http://"+ip+"/requests", &seen)
	if seen.Method != "GET" || seen.URI != "/status/418" || seen.Host != ip {
		t.Errorf("the request was recorded as %+v", seen)
	}
	get(t, "http://"+ip+"/shutdown", nil)
	status, err := c.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED)
	if err != nil || status.GetExitCode() != 0 {
		t.Errorf("got %v, %v; want exit code 0", status, err)
	}
	b, err := os.ReadFile(fifos.Dir + "/timeline")
	var events []string
	for line := range strings.Lines(string(b)) {
		_, event, _ := strings.Cut(strings.TrimSpace(line), " ")
		events = append(events, event)
	}
	want := []string{"start", "listening", "request GET /status/418", "request GET /shutdown", "shutdown", "exit"}
	if err != nil || !slices.Equal(events, want) {
		t.Errorf("got timeline %q, %v; want %q", events, err, want)
	}
}

// get sends a request and decodes a JSON reply into reply, unless that is nil.
func get(t *testing.T, url string, reply any) int {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if reply != nil {
		if err := json.NewDecoder(r.Body).Decode(reply); err != nil {
			t.Fatalf("%s: %v", url, err)
		}
	}
	return r.StatusCode
}

func namespaceOf(t *testing.T, pid int, name string) string {
	t.Helper()
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return link
}
