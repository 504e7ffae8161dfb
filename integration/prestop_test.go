package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/api/types/runc/options"
	containerd "github.com/containerd/containerd/v2/client"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are the rows of preStop.

// atOnce bounds calls that wait for no hook: far longer than any takes, and
// shorter than the hooks that they are made beside.
const atOnce = 10 * time.Second

// kill fails a Kill that is not answered at once.
func (h *hooked) kill(sig syscall.Signal, opts ...containerd.KillOpts) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), atOnce)
	defer cancel()
	if err := h.Kill(ctx, sig, opts...); err != nil {
		h.t.Fatalf("signal %d: %v", sig, err)
	}
}

func TestKillIsAnsweredAtOnceAndTheSignalWaitsForPreStop(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":{"exec":`+shell(waitingPre+`; echo done >> /fifo/trace`)+`}}`)
	h.kill(syscall.SIGTERM) // returns although the hook cannot end before its FIFO opens
	h.await("pre")
	h.wantTrace("pre")
	h.open("pre-go")
	h.wantExit(0)
	h.wantTrace("pre", "done", "term")
	h.wantTopics("/tasks/create", "/tasks/start", "/tasks/exit")
	wantHookEvent(t, h.events, h.ID(), "preStop", "success")
}

func TestPreStopRunsForEveryStopSignal(t *testing.T) {
	d := shared.Daemon(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, 37} {
		t.Run(fmt.Sprint(int(sig)), func(t *testing.T) {
			h := runHooked(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`, func(o *harness.TaskOptions) {
				o.Args[2] = fmt.Sprintf("trap 'echo sig%d >> /fifo/trace; exit 3' %d\n%s", sig, sig,
					`echo up > /fifo/main; while :; do sleep 1000 & wait; done`)
			})
			h.kill(sig)
			h.await("pre")
			h.open("pre-go")
			h.wantExit(3)
			h.wantTrace("pre", fmt.Sprintf("sig%d", sig))
		})
	}
}

func TestKillByOtherSignalsPassesStraightThrough(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`)
	h.kill(syscall.SIGUSR1)
	h.kill(0)
	h.awaitTrace("usr1")
	h.kill(syscall.SIGTERM)
	h.await("pre")
	h.kill(syscall.SIGUSR1)
	h.awaitTrace("usr1", "pre", "usr1") // during preStop as well
	h.open("pre-go")
	h.wantExit(0)
}

func TestStopSignalsNarrowAndWidenTheSet(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"stopSignals":["SIGHUP"],"preStop":{"exec":`+shell(waitingPre)+`}}`, func(o *harness.TaskOptions) {
		o.Args[2] = deafEntrypoint
	})
	h.kill(syscall.SIGTERM)
	h.awaitTrace("term")
	h.kill(syscall.SIGHUP)
	h.await("pre")
	h.open("pre-go")
	h.awaitTrace("term", "pre", "hup")
}

func TestStopSignalTakesThePlaceOfTheOneThatCame(t *testing.T) {
	d := shared.Daemon(t)
	for name, tt := range map[string]struct {
		lifecycle string
		trace     []string
		exit      int
	}{
		"with preStop":    {`{"stopSignal":"SIGHUP","preStop":{"exec":` + shell(quickPre) + `}}`, []string{"pre", "hup"}, 4},
		"without preStop": {`{"stopSignal":"SIGHUP"}`, []string{"hup"}, 4},
		"SIGKILL":         {`{"stopSignal":"SIGKILL","preStop":{"exec":` + shell(quickPre) + `}}`, []string{"pre"}, 137},
	} {
		t.Run(name, func(t *testing.T) {
			h := runHooked(t, d, tt.lifecycle, func(o *harness.TaskOptions) {
				o.Args[2] = `trap 'echo hup >> /fifo/trace; exit 4' HUP; echo up > /fifo/main; while :; do sleep 1000 & wait; done`
			})
			h.kill(syscall.SIGTERM)
			h.wantExit(tt.exit)
			h.wantTrace(tt.trace...)
		})
	}
	t.Run("triggers preStop itself", func(t *testing.T) {
		h := runHooked(t, d, `{"stopSignal":"SIGHUP","preStop":{"exec":`+shell(quickPre)+`}}`)
		h.kill(syscall.SIGHUP)
		h.awaitTrace("pre", "hup")
	})
}

// TestStopSignalKeepsItsTarget looks at how the runtime is called: runc
// itself has given up telling one process from all.
func TestStopSignalKeepsItsTarget(t *testing.T) {
	d := shared.Daemon(t)
	dir := t.TempDir()
	runc := filepath.Join(dir, "runc")
	script := fmt.Sprintf("#!/bin/sh\necho \"$*\" >> %s/calls\nexec %s/runc \"$@\"\n", dir, d.Binaries().Tools)
	if err := os.WriteFile(runc, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	h := runHooked(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`, func(o *harness.TaskOptions) {
		o.RuntimeOptions = &options.Options{BinaryName: runc}
	})
	h.kill(syscall.SIGTERM, containerd.WithKillAll)
	h.wantExit(0)
	h.wantTrace("pre", "term")
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if want := "kill --all " + h.ID() + " 15"; err != nil || strings.Count(string(calls), want) != 1 {
		t.Errorf("calls of the runtime, %v:\n%swant one with %q", err, calls, want)
	}
}

func TestKillOfAnExecIsItsOwn(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`)
	spec, err := h.Spec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spec.Process.Args = []string{"sleep", "1000"}
	ex, err := h.Exec(t.Context(), "ex", spec.Process, nullIO)
	if err != nil {
		t.Fatal(err)
	}
	exited, err := ex.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := ex.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ex.Kill(t.Context(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if st := <-exited; st.ExitCode() != 143 {
		t.Errorf("exec: exit code %d, want 143", st.ExitCode())
	}
	if _, err := ex.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	h.wantTrace()
}

func TestPreStopThatFailsLetsTheStopGoOn(t *testing.T) {
	d := shared.Daemon(t)
	for name, hook := range map[string]string{
		"exit code":       `{"exec":` + shell(`echo pre >> /fifo/trace; exit 3`) + `}`,
		"no such command": `{"exec":{"command":["/no/such/command"]}}`,
		"transport error": `{"httpGet":{"port":9}}`,
		"timeout":         `{"timeoutSeconds":1,"sleep":{"seconds":1000}}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := runHooked(t, d, `{"preStop":`+hook+`}`)
			h.kill(syscall.SIGTERM)
			h.wantExit(0)
			if got := h.trace(); len(got) == 0 || got[len(got)-1] != "term" {
				t.Errorf("trace %q, want the signal at its end", got)
			}
			verb := "failure"
			if name == "timeout" {
				verb = "timeout"
			}
			if ev := wantHookEvent(t, h.events, h.ID(), "preStop", verb); ev["reason"] != "FailedPreStopHook" {
				t.Errorf("event %v", ev)
			}
		})
	}
}

func TestStopSignalDuringPreStopIsAbsorbed(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`)
	h.kill(syscall.SIGTERM)
	h.await("pre")
	h.kill(syscall.SIGTERM)
	h.kill(syscall.SIGINT)
	h.open("pre-go")
	h.wantExit(0)
	h.wantTrace("pre", "term")
	if n := hookRuns(h.events, h.ID(), "preStop"); n != 1 {
		t.Errorf("preStop ran %d times, want once", n)
	}
}

func TestStopSignalIsDeliveredOnce(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`, func(o *harness.TaskOptions) { o.Args[2] = deafEntrypoint })
	h.kill(syscall.SIGTERM)
	h.awaitTrace("pre", "term")
	awaitStatus(t, d, h.ID(), "stopping", "")
	h.kill(syscall.SIGHUP) // behind all that was sent
	h.awaitTrace("pre", "term", "hup")
	h.kill(syscall.SIGKILL)
	h.wantExit(137)
	h.wantTrace("pre", "term", "hup")
}

func TestPreStopIsEndedBySIGKILL(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`)
	h.kill(syscall.SIGTERM)
	h.await("pre")
	h.kill(syscall.SIGKILL)
	h.wantExit(137)
	h.wantTrace("pre")
	h.wantTopics("/tasks/create", "/tasks/start", "/tasks/exit")
	wantHookEvent(t, h.events, h.ID(), "preStop", "cancel")
}

func TestPreStopThatIsNoProcessIsCancelledBySIGKILL(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":{"timeoutSeconds":90,"sleep":{"seconds":1000}}}`)
	h.kill(syscall.SIGTERM)
	wantHookEvent(t, h.events, h.ID(), "preStop", "start")
	h.kill(syscall.SIGKILL)
	h.wantExit(137)
	wantHookEvent(t, h.events, h.ID(), "preStop", "cancel")
}

func TestPreStopEndsWhenTheInitExits(t *testing.T) {
	d := shared.Daemon(t)
	for name, hook := range map[string]string{
		"as the hook asked it to": `{"exec":` + shell(`echo pre >> /fifo/trace; kill -USR1 1; sleep 1000`) + `}`,
		"beside a sleep":          `{"sleep":{"seconds":1000}}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := runHooked(t, d, `{"preStop":`+hook+`}`, func(o *harness.TaskOptions) {
				o.Args[2] = `trap 'exit 5' USR1; echo up > /fifo/main; while :; do sleep 1000 & wait; done`
			})
			h.kill(syscall.SIGTERM)
			if name == "beside a sleep" {
				wantHookEvent(t, h.events, h.ID(), "preStop", "start")
				h.kill(syscall.SIGUSR1)
			}
			h.wantExit(5)
			h.wantTopics("/tasks/create", "/tasks/start", "/tasks/exit")
			wantHookEvent(t, h.events, h.ID(), "preStop", "cancel")
		})
	}
}

func TestPreStopIsCutWhereTheGracePeriodIsKnown(t *testing.T) {
	d := shared.Daemon(t)
	// G less min(2 s, G/2), and in any case before G.
	for grace, bound := range map[time.Duration]time.Duration{
		3 * time.Second: 1500 * time.Millisecond,
		6 * time.Second: 4 * time.Second,
	} {
		t.Run(grace.String(), func(t *testing.T) {
			h := runHooked(t, d, fmt.Sprintf(`{"terminationGracePeriodSeconds":%g,"preStop":{"exec":%s}}`, grace.Seconds(), shell(waitingPre)))
			h.kill(syscall.SIGTERM)
			h.await("pre")
			h.wantExit(0) // by the signal: nobody opens the hook's FIFO
			h.wantTrace("pre", "term")
			ev := wantHookEvent(t, h.events, h.ID(), "preStop", "timeout")
			if took, _ := time.ParseDuration(ev["duration"]); ev["outcome"] != "TimedOut" || took < bound || took >= grace {
				t.Errorf("event %v, want a timeout after %s", ev, bound)
			}
		})
	}
}

func TestPreStopOutlivesItsConnection(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`)
	h.kill(syscall.SIGTERM)
	h.await("pre")
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.open("pre-go")
	h.awaitTrace("pre", "term")
	h.awaitLog("hook ended: Succeeded")
}

func TestStopSignalsStopIsOverAfterOneGracePeriod(t *testing.T) {
	d := shared.Daemon(t)
	h := runHooked(t, d, `{"terminationGracePeriodSeconds":4,"preStop":{"exec":`+shell(quickPre)+`}}`, func(o *harness.TaskOptions) {
		o.Args[2] = deafEntrypoint
	})
	h.kill(syscall.SIGTERM)
	h.awaitTrace("pre", "term")
	// What comes now passes straight through: one delivery per stop. But the
	// runtime has to have said that it has sent the first.
	err := harness.Poll(t.Context(), time.Minute, "a signal that passes", func() error {
		h.kill(syscall.SIGTERM)
		if trace := h.trace(); len(trace) < 3 {
			return fmt.Errorf("the trace is %q", trace)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if trace := h.trace(); !slices.Equal(trace[:3], []string{"pre", "term", "term"}) {
		t.Errorf("the trace is %q, want one preStop and then signals", trace)
	}
	err = harness.Poll(t.Context(), time.Minute, "a new stop", func() error {
		h.kill(syscall.SIGTERM)
		if n := hookRuns(h.events, h.ID(), "preStop"); n != 2 {
			return fmt.Errorf("preStop ran %d times", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPreStopDoesNotRun(t *testing.T) {
	d := shared.Daemon(t)
	const pre = `{"preStop":{"exec":{"command":["sh","-c","echo pre >> /fifo/trace"]}}}`
	t.Run("for a container that exits by itself", func(t *testing.T) {
		h := runHooked(t, d, pre, func(o *harness.TaskOptions) { o.Args[2] = "echo up > /fifo/main" })
		h.wantExit(0)
		if _, err := h.Delete(t.Context()); err != nil { // it waits for a hook that runs
			t.Error(err)
		}
		if got := attempts(t, d.RecordsDir(), h.ID()); len(got) > 0 {
			t.Errorf("it has records: %+v", got)
		}
	})
	t.Run("for SIGKILL", func(t *testing.T) {
		h := runHooked(t, d, pre)
		h.kill(syscall.SIGKILL)
		h.wantExit(137)
		h.wantTrace()
	})
	t.Run("for one that was never started", func(t *testing.T) {
		h := newHooked(t, d, pre)
		h.kill(syscall.SIGTERM)
		if _, err := h.Exited(t.Context()); err != nil { // the code is runc's own
			t.Error(err)
		}
		h.wantTrace()
	})
}

// TestPreStopCountsAgainstTheGracePeriodOfTheCRI is the case that all of preStop is
// made for: the CRI plugin starts its timer when Kill returns.
func TestPreStopCountsAgainstTheGracePeriodOfTheCRI(t *testing.T) {
	d := shared.Daemon(t)
	p := newHookedPod(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`, deafEntrypoint)
	if err := p.container.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.await("main")
	// Neither the hook nor the container ends by itself: only a grace period
	// that is not held up by the hook ends this call.
	ctx, cancel := context.WithTimeout(t.Context(), atOnce)
	defer cancel()
	if err := p.container.Stop(ctx, 2*time.Second); err != nil {
		t.Fatal(err)
	}
	st, err := p.container.Status(t.Context())
	if err != nil || st.GetState() != runtimeapi.ContainerState_CONTAINER_EXITED || st.GetExitCode() != 137 {
		t.Errorf("after StopContainer: %v, %v; want an exit by SIGKILL", st, err)
	}
	if data, err := os.ReadFile(p.fifos.Dir + "/trace"); err != nil || string(data) != "pre\n" {
		t.Errorf("trace %q, %v; want only the hook", data, err)
	}
}
