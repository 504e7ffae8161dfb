package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	apievents "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

const (
	// bookendRuntime is the runtime type that clients other than the CRI name.
	bookendRuntime = "io.containerd.bookend.v2"
	// lifecycleKey is the annotation of containers that are not the CRI's, and
	// podLifecycleKey that of a pod's container "main".
	lifecycleKey    = "bookend.dev/lifecycle"
	podLifecycleKey = "lifecycle.bookend.dev/main"
)

// entrypoint notes the signals it gets in the trace, writes to the FIFO "main"
// when it is ready for them, and ends at SIGTERM.
const entrypoint = `trap 'echo term >> /fifo/trace; exit 0' TERM
trap 'echo usr1 >> /fifo/trace' USR1
trap 'echo hup >> /fifo/trace' HUP
echo up > /fifo/main
while :; do sleep 1000 & wait; done`

// deafEntrypoint is one that a stop signal does not end.
var deafEntrypoint = strings.Replace(entrypoint, "; exit 0", "", 1)

// fifoNames are the FIFOs that every hooked container has.
var fifoNames = []string{"main", "post", "post-go", "pre", "pre-go"}

// Hooks for tests: each notes its start, in the trace or at its FIFO.
const (
	waitingPost = `echo post >> /fifo/trace; echo here > /fifo/post; cat /fifo/post-go`
	waitingPre  = `echo pre >> /fifo/trace; echo here > /fifo/pre; cat /fifo/pre-go`
	quickPre    = `echo pre >> /fifo/trace`
)

// hooked is a container with hooks that is not the CRI's, and what a test needs
// to watch it.
type hooked struct {
	*harness.Task
	t      *testing.T
	daemon *harness.Daemon
	fifos  *harness.FIFOs
	events *harness.EventLog
}

// shell is an exec handler that runs a script.
func shell(script string) string { return fmt.Sprintf(`{"command":["sh","-c",%q]}`, script) }

// newHooked creates a container with a Lifecycle object; it is not started.
func newHooked(t *testing.T, d *harness.Daemon, lifecycle string, edit ...func(*harness.TaskOptions)) *hooked {
	t.Helper()
	h := &hooked{t: t, daemon: d, fifos: d.TestFIFOs(t, fifoNames...), events: d.TestEvents(t)}
	opts := harness.TaskOptions{
		Runtime:     bookendRuntime,
		Args:        []string{"sh", "-c", entrypoint},
		Annotations: map[string]string{lifecycleKey: lifecycle},
		Spec: []oci.SpecOpts{oci.WithMounts([]specs.Mount{{
			Type: "bind", Source: h.fifos.Dir, Destination: harness.FIFODir, Options: []string{"bind", "rw"},
		}})},
	}
	for _, e := range edit {
		e(&opts)
	}
	task, err := d.Tasks.Create(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, task.Remove)
	h.Task = task
	return h
}

// runHooked starts a container whose postStart, if any, needs no leave.
func runHooked(t *testing.T, d *harness.Daemon, lifecycle string, edit ...func(*harness.TaskOptions)) *hooked {
	t.Helper()
	h := newHooked(t, d, lifecycle, edit...)
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.await("main")
	return h
}

// begin calls Start and returns the channel of its reply.
func (h *hooked) begin(ctx context.Context) <-chan error {
	reply := make(chan error, 1)
	go func() { reply <- h.Start(ctx) }()
	return reply
}

func (h *hooked) await(fifo string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), harness.Limit(time.Minute))
	defer cancel()
	if _, err := h.fifos.Await(ctx, fifo); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hooked) open(fifo string) {
	h.t.Helper()
	if err := h.fifos.Open(h.t.Context(), fifo); err != nil {
		h.t.Fatal(err)
	}
}

// trace is what the container's processes noted, in order.
func (h *hooked) trace() []string {
	h.t.Helper()
	data, err := os.ReadFile(filepath.Join(h.fifos.Dir, "trace"))
	if err != nil && !os.IsNotExist(err) {
		h.t.Fatal(err)
	}
	return strings.Fields(string(data))
}

func (h *hooked) wantTrace(want ...string) {
	h.t.Helper()
	if got := h.trace(); !slices.Equal(got, want) {
		h.t.Errorf("trace %q, want %q", got, want)
	}
}

// awaitTrace waits for the trace to be what is wanted.
func (h *hooked) awaitTrace(want ...string) {
	h.t.Helper()
	err := harness.Poll(h.t.Context(), time.Minute, "the trace", func() error {
		if got := h.trace(); !slices.Equal(got, want) {
			return fmt.Errorf("it is %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		h.t.Error(err)
	}
}

// awaitLog waits for a line about this container in the log.
func (h *hooked) awaitLog(text string) {
	h.t.Helper()
	awaitLog(h.t, h.daemon, h.ID(), text)
}

// awaitLog waits for a line about a container in the log.
func awaitLog(t *testing.T, d *harness.Daemon, id, text string) {
	t.Helper()
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "a line in the log", func() error {
		for line := range strings.Lines(d.Log()) {
			if strings.Contains(line, "container="+id) && strings.Contains(line, text) {
				return nil
			}
		}
		return fmt.Errorf("none says %q", text)
	})
	if err != nil {
		t.Error(err)
	}
}

// wantExit waits for the init's exit.
func (h *hooked) wantExit(code int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), harness.Limit(time.Minute))
	defer cancel()
	if got, err := h.Exited(ctx); err != nil || got != code {
		h.t.Errorf("exit code %d, %v; want %d", got, err, code)
	}
}

// wantTopics waits for the last of topics and compares all of the task's own.
func (h *hooked) wantTopics(topics ...string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), harness.Limit(time.Minute))
	defer cancel()
	if _, err := h.events.WaitTopic(ctx, topics[len(topics)-1], h.ID()); err != nil {
		h.t.Error(err)
	}
	if got := h.topics(); !slices.Equal(got, topics) {
		h.t.Errorf("events %q, want %q", got, topics)
	}
}

// topics are those of the task's events so far, its execs left out.
func (h *hooked) topics() []string {
	var topics []string
	for _, e := range h.events.Of(h.ID()) {
		if strings.HasPrefix(e.Topic, "/tasks/") && e.ExecID == "" {
			topics = append(topics, e.Topic)
		}
	}
	return topics
}

// hookEvent is what one of bookend's own events says about a container's hook.
func hookEvent(e harness.Event, id string) (map[string]string, bool) {
	payload, ok := e.Payload.(*apievents.ContainerUpdate)
	if !ok || !strings.HasPrefix(e.Topic, "/bookend/hook/") {
		return nil, false
	}
	return payload.Labels, payload.ID == id
}

// wantHookEvent waits for an event of a hook: what is the last element of its
// topic.
func wantHookEvent(t *testing.T, log *harness.EventLog, id, hook, what string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Limit(time.Minute))
	defer cancel()
	var found map[string]string
	_, err := log.WaitFor(ctx, func(e harness.Event) bool {
		fields, ok := hookEvent(e, id)
		if ok && e.Topic == "/bookend/hook/"+what && fields["hook"] == hook {
			found = fields
			return true
		}
		return false
	})
	if err != nil {
		t.Errorf("event %s of %s: %v", what, hook, err)
	}
	return found
}

// hookRuns counts how often a hook was started.
func hookRuns(log *harness.EventLog, id, hook string) int {
	n := 0
	for _, e := range log.All() {
		if fields, ok := hookEvent(e, id); ok && e.Topic == "/bookend/hook/start" && fields["hook"] == hook {
			n++
		}
	}
	return n
}

// stillWithheld fails the test if a reply came.
func stillWithheld(t *testing.T, reply <-chan error) {
	t.Helper()
	select {
	case err := <-reply:
		t.Fatalf("Start replied while its hook was running: %v", err)
	default:
	}
}

// wantReply waits for a reply, which a hanging shim would never send.
func wantReply(t *testing.T, reply <-chan error) error {
	t.Helper()
	select {
	case err := <-reply:
		return err
	case <-time.After(harness.Limit(time.Minute)):
		t.Fatal("Start did not reply")
		return nil
	}
}
