package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"bookend.dev/bookend/integration/harness"
)

// The tests in this file are about the records of attempts.

// attempt is a record as docs/records.md has it.
type attempt struct {
	Version         int
	Namespace       string
	Container       string
	Name            string
	Pod             string
	PodNamespace    string
	Kind            string
	StopSignal      string
	Delivery        string
	Hook            string
	Handler         string
	Attempt         int
	Started         time.Time
	Outcome         string
	DurationSeconds float64
	Cause           string
	ExitCode        *int
	Signal          int
	HTTPStatus      int
	Runner          string
	Detail          string
	Stdout, Stderr  []byte
}

// attempts reads the records of a container in dir, the oldest in front.
func attempts(t *testing.T, dir, id string) []attempt {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "records", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var found []attempt
	for _, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // pruned
		}
		if err != nil {
			t.Fatal(err)
		}
		var a attempt
		for line := range bytes.Lines(data) {
			if err := json.Unmarshal(line, &a); err != nil {
				t.Errorf("%s: %v: %s", file, err, line)
			}
		}
		if a.Container == id {
			found = append(found, a)
		}
	}
	return found
}

// awaitAttempts waits until the attempts of a container are what is wanted:
// each "hook outcome cause".
func awaitAttempts(t *testing.T, d *harness.Daemon, id string, want ...string) []attempt {
	t.Helper()
	return awaitAttemptsIn(t, d.RecordsDir(), id, want...)
}

func awaitAttemptsIn(t *testing.T, dir, id string, want ...string) []attempt {
	t.Helper()
	var found []attempt
	err := harness.Poll(t.Context(), time.Minute, "the records", func() error {
		found = attempts(t, dir, id)
		var got []string
		for _, a := range found {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", a.Hook, a.Outcome, a.Cause)))
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("they are %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestRecordsKeepAFailedHooksOutputBeyondItsContainer(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	before := time.Now()
	m := harness.CreateContainer(t, pod, harness.ContainerOptions{Name: "main", Annotations: map[string]string{
		harness.PodLifecycleKey: `{"postStart":{"exec":` + shell(`echo from stdout; echo from stderr >&2; exit 3`) + `}}`,
	}})
	err := m.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "FailedPostStartHook: exec: exit status 3") {
		t.Errorf("Start: %v", err)
	}
	ev := m.WantHookEvent("postStart", "failure")
	if said := fmt.Sprint(err, ev); strings.Contains(said, "from std") {
		t.Errorf("output in what clients are told: %s", said)
	}
	if err := m.Container.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := awaitAttempts(t, d, m.ID, "postStart Failed exit status")[0]
	if a.Version != 1 || a.Namespace != harness.CRINamespace || a.Name != "main" || a.Pod != pod.Name() || a.PodNamespace != pod.Config.GetMetadata().GetNamespace() {
		t.Errorf("subject %+v", a)
	}
	if a.Handler != "exec" || a.Attempt != 1 || a.ExitCode == nil || *a.ExitCode != 3 || a.Runner != "joiner" || a.DurationSeconds <= 0 {
		t.Errorf("attempt %+v", a)
	}
	if a.Started.Before(before) || a.Started.After(time.Now()) {
		t.Errorf("started at %s, not between %s and now", a.Started, before)
	}
	if string(a.Stdout) != "from stdout\n" || string(a.Stderr) != "from stderr\n" {
		t.Errorf("output %q, %q", a.Stdout, a.Stderr)
	}
}

// printsLate is a script whose child prints once the script itself has ended.
func printsLate(first, late string) string {
	return `{ while kill -0 $$; do :; done; echo ` + late + `; } 2> /dev/null & echo ` + first
}

func TestRecordsHaveEveryAttemptAndItsOwnLateOutput(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"retries":2,"exec":`+shell(
		`echo x >> /fifo/trace; n=$(wc -l < /fifo/trace); test $n = 1 && cat /fifo/post-go > /dev/null; `+
			printsLate("try $n", "late $n")+`; test $n = 3 || exit $n`)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main") // before children of hooks become those of a shell that waits there
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	found := awaitAttempts(t, d, h.ID, "postStart Failed exit status", "postStart Failed exit status", "postStart Succeeded")
	err := harness.Poll(t.Context(), time.Minute, "late output", func() error {
		found = attempts(t, d.RecordsDir(), h.ID)
		for i, a := range found {
			if want := fmt.Sprintf("try %d\nlate %d\n", i+1, i+1); string(a.Stdout) != want {
				return fmt.Errorf("attempt %d printed %q, want %q", i+1, a.Stdout, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for i, a := range found {
		if a.Attempt != i+1 || a.ExitCode == nil || *a.ExitCode != []int{1, 2, 0}[i] {
			t.Errorf("attempt %d: %+v", i+1, a)
		}
		if i > 0 && !a.Started.After(found[i-1].Started) {
			t.Errorf("attempt %d started at %s, before the one before", i+1, a.Started)
		}
	}
}

func TestRecordsHaveEveryOutcome(t *testing.T) {
	d := shared.Daemon(t)
	t.Run("preStop succeeds", func(t *testing.T) {
		h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(`echo bye`)+`}}`)
		h.Stop()
		if a := awaitAttempts(t, d, h.ID, "preStop Succeeded")[0]; string(a.Stdout) != "bye\n" || a.Namespace != harness.TaskNamespace || a.Pod != "" {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("preStop fails", func(t *testing.T) {
		h := harness.RunTask(t, d, `{"preStop":{"httpGet":{"host":"127.0.0.1","port":1}}}`)
		h.Stop()
		if a := awaitAttempts(t, d, h.ID, "preStop Failed connection failed")[0]; a.Handler != "httpGet" || a.Detail == "" || a.ExitCode != nil {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("preStop times out", func(t *testing.T) {
		h := harness.RunTask(t, d, `{"preStop":{"timeoutSeconds":1,"exec":`+shell(`echo working; sleep 1000`)+`}}`)
		h.Stop()
		if a := awaitAttempts(t, d, h.ID, "preStop TimedOut timed out")[0]; a.DurationSeconds < 1 || string(a.Stdout) != "working\n" {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("SIGKILL during preStop", func(t *testing.T) {
		h := harness.RunTask(t, d, `{"preStop":{"sleep":{"seconds":3600}}}`)
		h.Kill(syscall.SIGTERM)
		awaitAttempts(t, d, h.ID, "preStop")
		h.Kill(syscall.SIGKILL)
		h.WantExit(128 + int(syscall.SIGKILL))
		if err := h.Task.Remove(t.Context()); err != nil { // its shim ends at once
			t.Fatal(err)
		}
		awaitAttempts(t, d, h.ID, "preStop Cancelled cancelled")
	})
	t.Run("stop during postStart", func(t *testing.T) {
		h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
		reply := h.Begin(t.Context())
		h.Await("main", "post")
		awaitAttempts(t, d, h.ID, "postStart")
		h.Kill(syscall.SIGTERM)
		if err := wantReply(t, reply); !isAborted(t, err) {
			t.Errorf("Start: %v, want Aborted", err)
		}
		awaitAttempts(t, d, h.ID, "postStart Cancelled cancelled")
	})
}

func TestRecordsOfPostStartAreCancelledByTheInitsExit(t *testing.T) {
	d := shared.Daemon(t)
	for name, hook := range map[string]string{
		"exec":  `{"exec":` + shell(waitingPost) + `}`,
		"sleep": `{"sleep":{"seconds":3600}}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := harness.CreateTask(t, d, `{"postStart":`+hook+`}`, func(o *harness.TaskOptions) {
				o.Args[2] = "echo up > /fifo/main; cat /fifo/pre-go; exit 7"
			})
			reply := h.Begin(t.Context())
			h.Await("main")
			if name == "exec" {
				h.Await("post")
			}
			awaitAttempts(t, d, h.ID, "postStart")
			h.Open("pre-go")
			if err := wantReply(t, reply); err != nil {
				t.Errorf("Start: %v, want success", err)
			}
			h.WantExit(7)
			awaitAttempts(t, d, h.ID, "postStart Cancelled cancelled")
		})
	}
}

func TestRecordsOfADeadShimAreUnknown(t *testing.T) {
	d := shared.Daemon(t)
	t.Run("task", func(t *testing.T) {
		h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
		reply := h.Begin(t.Context())
		h.Await("main", "post")
		awaitAttempts(t, d, h.ID, "postStart")
		killShim(t, d, h.ID)
		if err := wantReply(t, reply); err == nil {
			t.Error("Start succeeded though its shim was killed")
		}
		a := awaitAttempts(t, d, h.ID, "postStart Unknown")[0]
		if a.Detail == "" || a.Attempt != 1 {
			t.Errorf("got %+v", a)
		}
		awaitNoStatus(t, d, h.ID)
		wantNoProcess(t, d, h.ID)
	})
	t.Run("pod", func(t *testing.T) {
		pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{
			harness.PodLifecycleKey: `{"postStart":{"exec":` + shell(`echo done`) + `},"preStop":{"sleep":{"seconds":3600}}}`,
		}})
		m := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
		m.Kill(syscall.SIGTERM)
		awaitAttempts(t, d, m.ID, "postStart Succeeded", "preStop")
		killShim(t, d, pod.ID)
		awaitAttempts(t, d, m.ID, "postStart Succeeded", "preStop Unknown")
		awaitNoStatus(t, d, m.ID)
		if _, err := m.Container.WaitState(t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
			t.Error(err)
		}
	})
}

// shownStatus is a container's status as docs/records.md has it.
type shownStatus struct {
	Version     int
	Namespace   string
	Container   string
	Phase       string
	PostStart   string
	PreStop     string
	Hook        string
	Started     *time.Time
	Deadline    *time.Time
	Undelivered *time.Time
	Shim        struct {
		Pid       int
		StartTime uint64
	}
}

func statusPath(d *harness.Daemon, namespace, id string) string {
	return filepath.Join(d.RecordsDir(), "containers", id+"@"+namespace+".json")
}

// awaitStatus waits for a container to be in a phase, with a hook running.
func awaitStatus(t *testing.T, d *harness.Daemon, id, phase, hook string) shownStatus {
	t.Helper()
	var st shownStatus
	err := harness.Poll(t.Context(), time.Minute, "the status", func() error {
		data, err := os.ReadFile(statusPath(d, harness.TaskNamespace, id))
		if err != nil {
			return err
		}
		st = shownStatus{}
		if err := json.Unmarshal(data, &st); err != nil {
			return fmt.Errorf("%s: %w", data, err)
		}
		if st.Phase != phase || st.Hook != hook {
			return fmt.Errorf("it is %s; want phase %q, hook %q", data, phase, hook)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func awaitNoStatus(t *testing.T, d *harness.Daemon, id string) {
	t.Helper()
	err := harness.Poll(t.Context(), time.Minute, "the status to be removed", func() error {
		files, err := filepath.Glob(statusPath(d, "*", id))
		if len(files) > 0 {
			err = fmt.Errorf("there is %q", files)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestStatusSaysWhereAContainerStands(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`},"preStop":{"timeoutSeconds":0,"sleep":{"seconds":3600}}}`)
	st := awaitStatus(t, d, h.ID, "created", "")
	if st.Version != 1 || st.Container != h.ID || st.Namespace != harness.TaskNamespace || st.PostStart != "exec" || st.PreStop != "sleep" || st.Started != nil || st.Shim.Pid != shimPID(t, d, h.ID) {
		t.Errorf("created: %+v", st)
	}
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	st = awaitStatus(t, d, h.ID, "postStart", "postStart")
	if st.Started == nil || st.Deadline == nil || st.Deadline.Sub(*st.Started) != 100*time.Second { // the node's default
		t.Errorf("postStart: %+v", st)
	}
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	if st = awaitStatus(t, d, h.ID, "running", ""); st.Started != nil || st.Deadline != nil {
		t.Errorf("running: %+v", st)
	}
	h.Kill(syscall.SIGTERM)
	if st = awaitStatus(t, d, h.ID, "preStop", "preStop"); st.Started == nil || st.Deadline != nil {
		t.Errorf("preStop: %+v", st)
	}
	h.Kill(syscall.SIGKILL)
	h.WantExit(137)
	awaitStatus(t, d, h.ID, "exited", "")
	if err := h.Task.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(statusPath(d, harness.TaskNamespace, h.ID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Delete: %v", err)
	}
}

func TestRecordsAreNotKeptOfAContainerWithoutHooks(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, "", without)
	if _, err := os.Stat(statusPath(d, harness.TaskNamespace, h.ID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("status: %v", err)
	}
	if _, err := os.Stat(filepath.Join(d.Bundle(harness.TaskNamespace, h.ID), "bookend-records")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("bundle: %v", err)
	}
	h.Stop()
	if found := attempts(t, d.RecordsDir(), h.ID); len(found) > 0 {
		t.Errorf("records %+v", found)
	}
}

// fullTmpfs mounts a file system without room until the test ends.
func fullTmpfs(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16k,nr_inodes=4"); err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, func(context.Context) error { return unix.Unmount(dir, unix.MNT_DETACH) })
	if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 64<<10), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("fill the tmpfs: %v", err)
	}
	return dir
}

func TestRecordsOnAFullDiskFailNoHookAndHoldNoStopUp(t *testing.T) {
	d := shared.Daemon(t)
	dir := fullTmpfs(t)
	setConfig(t, d, "[records]\ndirectory = '"+dir+"'\n")
	h := harness.RunTask(t, d, noted)
	h.Stop()
	h.WantTrace(notes...)
	wantNoRoomTold(t, h)
	if found := attempts(t, dir, h.ID); len(found) > 0 {
		t.Errorf("records on a full disk: %+v", found)
	}
}

// Of a hook that is tried again and again the first and the last attempt stay, and
// the records of others.
func TestRecordsOfOneContainerAreBounded(t *testing.T) {
	d := shared.Daemon(t)
	dir := t.TempDir()
	setConfig(t, d, "[records]\ndirectory = '"+dir+"'\nmaxCountPerContainer = 2\n")
	other := harness.RunTask(t, d, `{"preStop":{"sleep":{"seconds":0}}}`)
	other.Stop()
	noisy := harness.RunTask(t, d, `{"preStop":{"exec":{"command":["/bin/sh","-c","exit 1"]},"retries":4}}`)
	noisy.Stop()
	err := harness.Poll(t.Context(), time.Minute, "records to be removed", func() error {
		found := attempts(t, dir, noisy.ID)
		if len(found) != 2 || found[0].Attempt != 1 || found[1].Attempt != 5 {
			return fmt.Errorf("there are %+v", found)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if len(attempts(t, dir, other.ID)) != 1 {
		t.Error("the record of another container is gone")
	}
}

func TestRecordsAreBoundedOnTheNode(t *testing.T) {
	d := shared.Daemon(t)
	dir := t.TempDir()
	setConfig(t, d, "[records]\ndirectory = '"+dir+"'\nmaxCount = 2\n")
	var last string
	for range 4 { // each has a shim of its own
		h := harness.RunTask(t, d, `{"preStop":{"sleep":{"seconds":0}}}`)
		h.Stop()
		last = h.ID
	}
	err := harness.Poll(t.Context(), time.Minute, "records to be removed", func() error {
		files, err := filepath.Glob(filepath.Join(dir, "records", "*"))
		if err != nil || len(files) > 3 {
			return fmt.Errorf("there are %q, %w", files, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if len(attempts(t, dir, last)) != 1 {
		t.Error("the newest is gone")
	}
}
