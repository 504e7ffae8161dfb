package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	apievents "github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	containerd "github.com/containerd/containerd/v2/client"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/integration/harness"
)

// runtimeSwitch is the runc of a daemon's containers, which a test may break.
type runtimeSwitch struct {
	t    *testing.T
	dir  string
	real string
}

// newRuntimeSwitch starts a daemon whose runc is what the switch says: at first
// the real one.
func newRuntimeSwitch(t *testing.T) (*runtimeSwitch, *harness.Daemon) {
	t.Helper()
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	s := &runtimeSwitch{t: t, dir: t.TempDir(), real: filepath.Join(bins.Tools, "runc")}
	s.restore()
	return s, harness.StartDaemon(t, harness.Options{Path: []string{s.dir, bins.Tools, bins.Bin}})
}

func (s *runtimeSwitch) put(content []byte) {
	s.t.Helper()
	tmp := filepath.Join(s.dir, "new")
	if err := os.WriteFile(tmp, content, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(s.dir, "runc")); err != nil {
		s.t.Fatal(err)
	}
}

// restore makes it the real one.
func (s *runtimeSwitch) restore() {
	s.t.Helper()
	s.put([]byte("#!/bin/sh\nexec " + s.real + ` "$@"` + "\n"))
}

// truncate makes it half a file, as a copy that is under way leaves it.
func (s *runtimeSwitch) truncate() {
	s.t.Helper()
	whole, err := os.ReadFile(s.real)
	if err != nil {
		s.t.Fatal(err)
	}
	s.put(whole[:4096])
}

// fail makes the calls that match a pattern of sh fail.
func (s *runtimeSwitch) fail(pattern string) {
	s.t.Helper()
	s.put(fmt.Appendf(nil, "#!/bin/sh\ncase \"$*\" in %s) echo broken >&2; exit 1;; esac\nexec %s \"$@\"\n", pattern, s.real))
}

// hang makes the calls that match a pattern of sh wait, in a child of theirs
// that holds their output open, until release.
func (s *runtimeSwitch) hang(pattern string) (release func()) {
	s.t.Helper()
	fifo := filepath.Join(s.dir, "hang")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.put(fmt.Appendf(nil, "#!/bin/sh\ncase \"$*\" in %s) echo hangs >> %s/hung; cat %s;; esac\nexec %s \"$@\"\n", pattern, s.dir, fifo, s.real))
	release = func() {
		s.restore()
		// Those that wait have it open already; who comes later finds it gone.
		if f, err := os.OpenFile(fifo, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
			f.Close()
		}
		_ = os.Remove(fifo)
	}
	s.t.Cleanup(release)
	return release
}

// awaitHung waits until a call hangs.
func (s *runtimeSwitch) awaitHung() {
	s.t.Helper()
	err := harness.Poll(s.t.Context(), time.Minute, "a call of the runtime that hangs", func() error {
		_, err := os.Stat(filepath.Join(s.dir, "hung"))
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// exhaustDescriptors leaves a process no free descriptor until restore, or the end
// of the test.
func exhaustDescriptors(t *testing.T, pid int) (restore func()) {
	t.Helper()
	lowest := 0
	for ; ; lowest++ {
		if _, err := os.Lstat(fmt.Sprintf("/proc/%d/fd/%d", pid, lowest)); err != nil {
			break
		}
	}
	undo, err := harness.LimitDescriptors(pid, uint64(lowest))
	if err != nil {
		t.Fatal(err)
	}
	restore = func() { _ = undo() }
	t.Cleanup(restore)
	return restore
}

func TestKillSurvivesABrokenRuntime(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	breaks := map[string]func(h *harness.Fixture) (restore func()){
		"half a file":    func(*harness.Fixture) func() { sw.truncate(); return sw.restore },
		"no descriptors": func(h *harness.Fixture) func() { return exhaustDescriptors(t, shimPID(t, d, h.ID)) },
	}
	for name, broken := range breaks {
		t.Run(name, func(t *testing.T) {
			h := harness.RunTask(t, d, `{"preStop":{"sleep":{"seconds":1}}}`)
			restore := broken(h)
			h.Kill(syscall.SIGTERM)
			h.WantLog("SIGTERM could not be sent")
			h.Kill(syscall.SIGTERM) // absorbed
			restore()
			h.WantExit(0)
			h.WantTrace("term")
		})
	}
}

func TestKillThatIsUndeliveredIsTold(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.RunTask(t, d, `{"preStop":{"sleep":{"seconds":0}}}`)
	sw.truncate()
	h.Kill(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(t.Context(), harness.Limit(time.Minute))
	defer cancel()
	_, err := h.Events.WaitFor(ctx, func(e harness.Event) bool {
		payload, ok := e.Payload.(*apievents.ContainerUpdate)
		return ok && e.Topic == "/bookend/stop/undelivered" && payload.ID == h.ID && payload.Labels["signal"] == "SIGTERM"
	})
	if err != nil {
		t.Error(err)
	}
	h.WantLog("SIGTERM was not delivered within 10s")
	err = harness.Poll(t.Context(), time.Minute, "the status", func() error {
		if st := awaitStatus(t, d, h.ID, "delivering", ""); st.Undelivered == nil {
			return fmt.Errorf("it is %+v", st)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	record := func(delivery string) {
		t.Helper()
		err := harness.Poll(t.Context(), time.Minute, "the record of the stop", func() error {
			all := attempts(t, d.RecordsDir(), h.ID)
			last := all[len(all)-1]
			if last.Kind != "stop" || last.StopSignal != "SIGTERM" || last.Delivery != delivery || !strings.Contains(last.Detail, "runc did not terminate successfully") {
				return fmt.Errorf("it is %+v", last)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	record("")
	sw.restore()
	h.WantExit(0)
	record("delivered")
	h.WantTrace("term")
}

func TestKillBySIGKILLPassesARuntimeThatHangs(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.RunTask(t, d, `{"preStop":{"sleep":{"seconds":0}}}`)
	release := sw.hang(`*" kill "*" 15"`)
	h.Kill(syscall.SIGTERM)
	sw.awaitHung()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Limit(time.Minute))
	defer cancel()
	if err := h.Task.Kill(ctx, syscall.SIGKILL); err != nil {
		t.Errorf("SIGKILL behind a runtime that hangs: %v", err)
	}
	h.WantExit(137)
	release()
}

func TestKillIsRepeatedAfterARuntimeThatHung(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.RunTask(t, d, `{"preStop":{"sleep":{"seconds":0}}}`)
	release := sw.hang(`*" kill "*" 15"`)
	h.Kill(syscall.SIGTERM)
	sw.awaitHung()
	sw.restore() // for the next call; this one hangs until it is ended
	h.WantExit(0)
	h.WantTrace("term")
	release()
}

// failsAndIsStopped has a postStart that fails at once and a preStop that waits.
const failsAndIsStopped = `{"terminationGracePeriodSeconds":2,"postStart":{"exec":{"command":["sh","-c","exit 3"]}},"preStop":{"sleep":{"seconds":1}}}`

func TestPostStartThatFailedEndsWhenTheRuntimeIsBack(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.CreateTask(t, d, failsAndIsStopped, func(o *harness.TaskOptions) { o.Args[2] = harness.DeafEntrypoint })
	reply := h.Begin(t.Context())
	h.Await("main")
	sw.truncate()
	h.WantLog("SIGKILL could not be sent")
	h.Kill(syscall.SIGTERM) // absorbed: the runtime would not take it
	stillWithheld(t, reply)
	sw.restore()
	if err := wantReply(t, reply); !isAborted(t, err) {
		t.Errorf("Start: %v, want Aborted", err)
	}
	h.WantExit(137)
}

func TestStartDeadlineTellsOfAContainerThatCannotBeKilled(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
	shim, err := d.Shim(t.Context(), harness.TaskNamespace, h.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer shim.Close()
	ctx, cancel := context.WithTimeout(shim.Context(t.Context()), 5*time.Second+harness.Scaled(time.Second))
	defer cancel()
	reply := make(chan error, 1)
	var late bool // the client's own clock may have ended the call
	go func() {
		_, err := shim.Start(ctx, &taskapi.StartRequest{ID: h.ID})
		late = ctx.Err() != nil
		reply <- err
	}()
	h.Await("post")
	sw.fail(`*" kill "*`)
	if err := wantReply(t, reply); err == nil || !strings.Contains(err.Error(), "the container still runs, its kill is pending") || late {
		t.Errorf("Start: %v; after its deadline: %t", err, late)
	}
	if st, err := h.Task.Status(t.Context()); err != nil || st.Status != containerd.Running {
		t.Errorf("State: %v, %v", st.Status, err)
	}
	sw.restore()
	h.WantExit(137)
}

func TestKillOutsideTheSetThatEndsAContainerIsLogged(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":`+note("pre")+`}`, func(o *harness.TaskOptions) {
		o.Args[2] = strings.Replace(harness.Entrypoint, "echo usr1 >> /fifo/trace", "exit 4", 1)
	})
	h.Kill(syscall.SIGUSR1)
	h.WantExit(4)
	h.WantLog("ended after SIGUSR1")
	if got := h.Trace(); len(got) != 0 {
		t.Errorf("trace %q", got)
	}
}
