package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	apievents "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// The tests in this file drive the command bookend as an operator does on a
// node: it finds records and containerd by itself.

// bookendCommand is the command line as it is run on the daemon's node.
func bookendCommand(t *testing.T, d *harness.Daemon, args ...string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(d.Binaries().Bin, "bookend")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s: %v", path, harness.ErrMissing)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "BOOKEND_CONFIG=", "CONTAINERD_ADDRESS="+d.Address())
	return cmd
}

// bookend runs a command, which has to succeed, and returns what it printed.
func bookend(t *testing.T, d *harness.Daemon, args ...string) string {
	t.Helper()
	cmd := bookendCommand(t, d, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Errorf("bookend %q: %v: %s", args, err, errs.String())
	}
	return string(out)
}

// running is a command that goes on.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	errs  bytes.Buffer
	lines chan string // closed at the end of its output
	ended bool
}

// startBookend starts a command that goes on until it is ended.
func startBookend(t *testing.T, d *harness.Daemon, args ...string) *running {
	t.Helper()
	r := &running{t: t, cmd: bookendCommand(t, d, args...), lines: make(chan string, 1024)}
	r.cmd.Stderr = &r.errs
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			r.lines <- s.Text()
		}
	}()
	harness.Cleanup(t, func(context.Context) error {
		if !r.ended {
			_ = r.cmd.Process.Kill()
			_, _ = r.end()
		}
		return nil
	})
	return r
}

// await returns the first line that match accepts, and passes over the others.
func (r *running) await(what string, match func(line string) bool) string {
	r.t.Helper()
	limit := time.After(harness.Limit(time.Minute))
	var seen []string
	for {
		select {
		case line, ok := <-r.lines:
			if ok && match(line) {
				return line
			}
			if seen = append(seen, line); ok {
				continue
			}
		case <-limit:
		}
		r.t.Fatalf("%q printed no line of %s, but %q", r.cmd.Args[1:], what, seen)
	}
}

// end waits for the command's end and returns its exit code and what it said.
func (r *running) end() (code int, errs string) {
	r.t.Helper()
	for range r.lines { // to the end of the pipe, before Wait closes it
	}
	_ = r.cmd.Wait()
	r.ended = true
	return r.cmd.ProcessState.ExitCode(), r.errs.String()
}

// interrupt ends the command as a person does.
func (r *running) interrupt() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		r.t.Error(err)
	}
	if code, errs := r.end(); code != 0 || errs != "" {
		r.t.Errorf("%q, interrupted: exit code %d, %q", r.cmd.Args[1:], code, errs)
	}
}

func contains(words ...string) func(string) bool {
	return func(line string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) })
	}
}

func TestCliLogsFindsAFailedHooksOutputAfterItsContainer(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	m := harness.CreateContainer(t, pod, harness.ContainerOptions{Name: "main", Annotations: map[string]string{
		harness.PodLifecycleKey: `{"postStart":{"exec":` + shell(`echo from stdout; printf 'from \033[31mstderr' >&2; exit 3`) + `}}`,
	}})
	if err := m.Start(t.Context()); err == nil {
		t.Error("Start succeeded though the hook failed")
	}
	awaitAttempts(t, d, m.ID, "postStart Failed exit status")
	if err := m.Container.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pod.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^=== [-0-9]{10} [0-9:.]{12} postStart \(exec\) attempt 1 of ` + regexp.QuoteMeta(pod.Name()) + `/main ` + m.ID[:12] + `: Failed, exit status 3, after [0-9.]+m?s
detail: .*
stdout: from stdout
stderr: from ` + "\x1b" + `\[31mstderr
$`)
	for _, word := range []string{m.ID, m.ID[:12], pod.Name() + "/main", pod.Config.GetMetadata().GetNamespace() + "/" + pod.Name() + "/main"} {
		if got := bookend(t, d, "logs", word); !want.MatchString(got) {
			t.Errorf("logs %s printed\n%s\nwant\n%s", word, got, want)
		}
	}
	if got := bookend(t, d, "logs", m.ID, "--hook", "preStop"); got != "" {
		t.Errorf("logs of a hook that there is not: %q", got)
	}
	if got := bookend(t, d, "logs", m.ID, "--raw"); got != "from stdout\nfrom \x1b[31mstderr" {
		t.Errorf("logs --raw: %q", got)
	}
	cmd := bookendCommand(t, d, "logs", m.ID+"0")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "no container with hooks has this id or name") {
		t.Errorf("logs of nobody: %v, %s", err, out)
	}
}

// nerdctl hands the name of a container over in an annotation.
func TestCliCallsNerdctlsContainersByTheirNames(t *testing.T) {
	d := shared.Daemon(t)
	name := harness.NewID("web")
	events := startBookend(t, d, "events", "-o", "json")
	events.hear(d, harness.TaskNamespace)
	h := harness.RunTask(t, d, `{"postStart":{"exec":`+shell("echo printed")+`}}`, func(o *harness.TaskOptions) { o.Annotations["nerdctl/name"] = name })
	events.await("the end of its hook", contains(h.ID, `"what":"success"`, `"container_name":"`+name+`"`))
	events.interrupt()
	awaitAttempts(t, d, h.ID, "postStart Succeeded")
	if got := bookend(t, d, "logs", name); !strings.Contains(got, " of "+name+" "+h.ID+": Succeeded") || !strings.HasSuffix(got, "\nstdout: printed\n") {
		t.Errorf("logs printed %q", got)
	}
	awaitStatus(t, d, h.ID, "running", "")
	row := harness.TaskNamespace + ` +` + h.ID + ` +` + name
	for command, want := range map[string]string{"ps": row + ` +running`, "history --container " + name: row + ` +postStart`} {
		if got := bookend(t, d, strings.Fields(command)...); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s printed\n%s\nwant %s", command, got, want)
		}
	}
	if got := outcomes(t, d, h.ID, "--container", name); got != "postStart Succeeded" {
		t.Errorf("history for programs: %q", got)
	}
}

func TestCliLogsFollowsAHook(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost+`; echo printed`)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	awaitAttempts(t, d, h.ID, "postStart")
	logs := startBookend(t, d, "logs", "--follow", h.ID)
	logs.await("the hook that runs", contains("postStart (exec) attempt 1 of "+h.ID+": Running"))
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	logs.await("its end", contains("postStart (exec) attempt 1 of "+h.ID+": Succeeded, after "))
	logs.await("its output", contains("stdout: printed"))
	logs.interrupt()
}

// hear returns once the command prints what is published in a namespace.
func (r *running) hear(d *harness.Daemon, namespace string) {
	r.t.Helper()
	ctx := namespaces.WithNamespace(r.t.Context(), namespace)
	err := harness.Poll(ctx, harness.ReadyTimeout, "bookend events to listen", func() error {
		id := harness.NewID("sync")
		if err := d.Client.EventService().Publish(ctx, "/bookend/hook/sync", &apievents.ContainerUpdate{ID: id}); err != nil {
			return err
		}
		for {
			select {
			case line, ok := <-r.lines:
				if !ok {
					return harness.Permanent(errors.New("it has ended"))
				}
				if strings.Contains(line, "sync") && strings.Contains(line, id) {
					return nil
				}
			case <-time.After(harness.Scaled(time.Second)):
				return errors.New("it prints nothing")
			}
		}
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestCliEventsSeesEveryOutcome(t *testing.T) {
	d := shared.Daemon(t)
	all, cri := startBookend(t, d, "events", "-o", "json"), startBookend(t, d, "events", "--namespace", harness.CRINamespace)
	all.hear(d, harness.TaskNamespace)
	cri.hear(d, harness.CRINamespace)
	wants := func(h *harness.Fixture, hook string, what ...string) {
		t.Helper()
		for _, w := range what {
			line := all.await(hook+" "+w, contains(h.ID, `"hook":"`+hook+`"`))
			var ev struct {
				Namespace, Container, What string
				Time                       time.Time
				Labels                     map[string]string
			}
			if err := json.Unmarshal([]byte(line), &ev); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if ev.Namespace != harness.TaskNamespace || ev.Container != h.ID || ev.What != w || ev.Labels["handler"] == "" || ev.Time.IsZero() {
				t.Errorf("got %s, want %s", line, w)
			}
		}
	}
	h := harness.RunTask(t, d, `{"postStart":{"exec":`+shell("exit 0")+`},"preStop":{"sleep":{"seconds":3600}}}`)
	wants(h, "postStart", "start", "success")
	h.Kill(syscall.SIGTERM)
	wants(h, "preStop", "start")
	h.Kill(syscall.SIGKILL)
	wants(h, "preStop", "cancel")
	h = harness.RunTask(t, d, `{"postStart":{"failurePolicy":"Ignore","exec":`+shell("exit 3")+`},"preStop":{"timeoutSeconds":1,"sleep":{"seconds":3600}}}`)
	wants(h, "postStart", "start", "failure")
	h.Stop()
	wants(h, "preStop", "start", "timeout")
	all.interrupt()

	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{harness.PodLifecycleKey: `{"postStart":{"exec":` + shell("exit 0") + `}}`}})
	m := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
	for _, want := range []string{"  start    k8s.io  " + m.ID[:12] + " (main)  postStart  exec", "  success  k8s.io  " + m.ID[:12] + " (main)  postStart  exec: succeeded after "} {
		line := cri.await("a hook", func(line string) bool { return !strings.Contains(line, "  sync ") })
		if !strings.Contains(line, want) {
			t.Errorf("events of one namespace: got %q, want %q", line, want)
		}
	}
	cri.interrupt()
}

func TestCliEventsFailsWhenContainerdGoes(t *testing.T) {
	d := harness.StartDaemon(t, harness.Options{})
	events := startBookend(t, d, "events")
	events.hear(d, harness.TaskNamespace)
	if err := d.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, errs := events.end(); code != 1 || !strings.HasPrefix(errs, "bookend: containerd at "+d.Address()+": ") {
		t.Errorf("exit code %d, %q", code, errs)
	}
}

func TestCliPSShowsTheHookThatRuns(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`},"preStop":{"timeoutSeconds":0,"sleep":{"seconds":3600}}}`)
	watch := startBookend(t, d, "ps", "--watch")
	row := func(rest string) func(string) bool {
		return regexp.MustCompile(`^` + harness.TaskNamespace + ` +` + h.ID + ` +- +` + rest + `$`).MatchString
	}
	watch.await("a container that is created", row(`created +- +- +-`))
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	watch.await("a running postStart", row(`postStart +postStart \(exec\) +[0-9ms]+ +in 1?m?[0-9]+s`))
	awaitStatus(t, d, h.ID, "postStart", "postStart")
	var all []struct {
		Container, Phase, Hook           string
		ElapsedSeconds, RemainingSeconds *float64
	}
	if err := json.Unmarshal([]byte(bookend(t, d, "ps", "-n", harness.TaskNamespace, "-o", "json")), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Container != h.ID || all[0].Phase != "postStart" || all[0].Hook != "postStart" || all[0].ElapsedSeconds == nil ||
		all[0].RemainingSeconds == nil || *all[0].RemainingSeconds > 100 || *all[0].ElapsedSeconds <= 0 {
		t.Errorf("for programs: %+v", all)
	}
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	watch.await("a container that runs", row(`running +- +- +-`))
	h.Kill(syscall.SIGTERM)
	watch.await("an unlimited preStop", row(`preStop +preStop \(sleep\) +[0-9ms]+ +-`))
	h.Kill(syscall.SIGKILL)
	h.WantExit(137)
	if err := h.Task.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := harness.Poll(t.Context(), time.Minute, "the row to go", func() error {
		if out := bookend(t, d, "ps"); strings.Contains(out, h.ID) {
			return errors.New(out)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	watch.interrupt()
}

// outcomes are those of a container's attempts in history, "hook outcome" each.
func outcomes(t *testing.T, d *harness.Daemon, id string, flags ...string) string {
	t.Helper()
	var all []struct{ Container, Hook, Outcome string }
	if err := json.Unmarshal([]byte(bookend(t, d, append([]string{"history", "-o", "json"}, flags...)...)), &all); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, a := range all {
		if a.Container == id {
			found = append(found, a.Hook+" "+a.Outcome)
		}
	}
	return strings.Join(found, ", ")
}

func TestCliHistoryFilters(t *testing.T) {
	d := shared.Daemon(t)
	before := time.Now().Format(time.RFC3339)
	h := harness.RunTask(t, d, `{"postStart":{"exec":`+shell("exit 0")+`},"preStop":{"exec":`+shell("kill -9 $$")+`}}`)
	h.Stop()
	awaitAttempts(t, d, h.ID, "postStart Succeeded", "preStop Failed killed by signal")
	const both = "postStart Succeeded, preStop Failed"
	for flags, want := range map[string]string{
		"":                                    both,
		"--outcome Failed":                    "preStop Failed",
		"--outcome failed --outcome TimedOut": "preStop Failed",
		"--outcome Failed --hook postStart":   "",
		"--hook postStart":                    "postStart Succeeded",
		"--since 10m":                         both,
		"--since " + before:                   both,
		"--until 1h":                          "",
		"--since 2000-01-01 --until 2001-01-01T00:00:00Z": "",
		"--namespace " + harness.TaskNamespace:            both,
		"--namespace " + harness.CRINamespace:             "",
		"--container " + h.ID:                             both,
		"--container " + h.ID + "0":                       "",
		"--container " + h.ID + " --limit 1":              "preStop Failed",
	} {
		if got := outcomes(t, d, h.ID, strings.Fields(flags)...); got != want {
			t.Errorf("history %s: got %q, want %q", flags, got, want)
		}
	}
	row := regexp.MustCompile(`(?m)^[-0-9]{10} [0-9:]{8} +` + harness.TaskNamespace + ` +` + h.ID + ` +- +preStop +exec +1 +Failed +killed by signal 9 \(SIGKILL\) +[0-9.]+m?s$`)
	if got := bookend(t, d, "history"); !row.MatchString(got) {
		t.Errorf("got\n%s\nwant a row like %s", got, row)
	}
}

func TestCliHistoryTellsRunningFromUnknown(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.CreateTask(t, d, `{"postStart":{"exec":`+shell(waitingPost)+`}}`)
	reply := h.Begin(t.Context())
	h.Await("main", "post")
	awaitAttempts(t, d, h.ID, "postStart")
	if got := outcomes(t, d, h.ID, "--outcome", "Running"); got != "postStart Running" {
		t.Errorf("while it runs: %q", got)
	}
	killShim(t, d, h.ID)
	if err := wantReply(t, reply); err == nil {
		t.Error("Start succeeded though its shim was killed")
	}
	err := harness.Poll(t.Context(), time.Minute, "the outcome", func() error {
		if got := outcomes(t, d, h.ID, "--outcome", "Unknown"); got != "postStart Unknown" {
			return fmt.Errorf("it is %q", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	awaitNoStatus(t, d, h.ID) // whoever cleans up after the shim has been there
	wantNoProcess(t, d, h.ID)
}
