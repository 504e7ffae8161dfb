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
	"github.com/containerd/containerd/v2/pkg/cio"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are the rows of preStop.

func TestKillIsAnsweredAtOnceAndTheSignalWaitsForPreStop(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(waitingPre+`; echo done >> /fifo/trace`)+`}}`)
	h.Kill(syscall.SIGTERM) // returns although the hook cannot end before its FIFO opens
	h.Await("pre")
	h.WantTrace("pre")
	h.Open("pre-go")
	h.WantExit(0)
	h.WantTrace("pre", "done", "term")
	h.WantTopics("/tasks/create", "/tasks/start", "/tasks/exit")
	h.WantHookEvent("preStop", "success")
}

func TestPreStopRunsForEveryStopSignal(t *testing.T) {
	d := shared.Daemon(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, 37} {
		t.Run(fmt.Sprint(int(sig)), func(t *testing.T) {
			h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`, func(o *harness.TaskOptions) {
				o.Args[2] = fmt.Sprintf("trap 'echo sig%d >> /fifo/trace; exit 3' %d\n%s", sig, sig,
					`echo up > /fifo/main; while :; do sleep 1000 & wait; done`)
			})
			h.Kill(sig)
			h.Await("pre")
			h.Open("pre-go")
			h.WantExit(3)
			h.WantTrace("pre", fmt.Sprintf("sig%d", sig))
		})
	}
}

func TestKillByOtherSignalsPassesStraightThrough(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`)
	h.Kill(syscall.SIGUSR1)
	h.Kill(0)
	h.WantTraceSoon("usr1")
	h.Kill(syscall.SIGTERM)
	h.Await("pre")
	h.Kill(syscall.SIGUSR1)
	h.WantTraceSoon("usr1", "pre", "usr1") // during preStop as well
	h.Open("pre-go")
	h.WantExit(0)
}

func TestStopSignalsNarrowAndWidenTheSet(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"stopSignals":["SIGHUP"],"preStop":{"exec":`+shell(waitingPre)+`}}`, func(o *harness.TaskOptions) {
		o.Args[2] = harness.DeafEntrypoint
	})
	h.Kill(syscall.SIGTERM)
	h.WantTraceSoon("term")
	h.Kill(syscall.SIGHUP)
	h.Await("pre")
	h.Open("pre-go")
	h.WantTraceSoon("term", "pre", "hup")
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
			h := harness.RunTask(t, d, tt.lifecycle, func(o *harness.TaskOptions) {
				o.Args[2] = `trap 'echo hup >> /fifo/trace; exit 4' HUP; echo up > /fifo/main; while :; do sleep 1000 & wait; done`
			})
			h.Kill(syscall.SIGTERM)
			h.WantExit(tt.exit)
			h.WantTrace(tt.trace...)
		})
	}
	t.Run("triggers preStop itself", func(t *testing.T) {
		h := harness.RunTask(t, d, `{"stopSignal":"SIGHUP","preStop":{"exec":`+shell(quickPre)+`}}`)
		h.Kill(syscall.SIGHUP)
		h.WantTraceSoon("pre", "hup")
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
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`, func(o *harness.TaskOptions) {
		o.RuntimeOptions = &options.Options{BinaryName: runc}
	})
	h.Kill(syscall.SIGTERM, containerd.WithKillAll)
	h.WantExit(0)
	h.WantTrace("pre", "term")
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if want := "kill --all " + h.ID + " 15"; err != nil || strings.Count(string(calls), want) != 1 {
		t.Errorf("calls of the runtime, %v:\n%swant one with %q", err, calls, want)
	}
}

func TestKillOfAnExecIsItsOwn(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`)
	spec, err := h.Task.Spec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spec.Process.Args = []string{"sleep", "1000"}
	ex, err := h.Task.Exec(t.Context(), "ex", spec.Process, cio.NullIO)
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
	h.WantTrace()
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
			h := harness.RunTask(t, d, `{"preStop":`+hook+`}`)
			h.Kill(syscall.SIGTERM)
			h.WantExit(0)
			if got := h.Trace(); len(got) == 0 || got[len(got)-1] != "term" {
				t.Errorf("trace %q, want the signal at its end", got)
			}
			verb := "failure"
			if name == "timeout" {
				verb = "timeout"
			}
			if ev := h.WantHookEvent("preStop", verb); ev["reason"] != "FailedPreStopHook" {
				t.Errorf("event %v", ev)
			}
		})
	}
}

func TestStopSignalDuringPreStopIsAbsorbed(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`)
	h.Kill(syscall.SIGTERM)
	h.Await("pre")
	h.Kill(syscall.SIGTERM)
	h.Kill(syscall.SIGINT)
	h.Open("pre-go")
	h.WantExit(0)
	h.WantTrace("pre", "term")
	if n := h.HookRuns("preStop"); n != 1 {
		t.Errorf("preStop ran %d times, want once", n)
	}
}

func TestStopSignalIsDeliveredOnce(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`, func(o *harness.TaskOptions) { o.Args[2] = harness.DeafEntrypoint })
	h.Kill(syscall.SIGTERM)
	h.WantTraceSoon("pre", "term")
	awaitStatus(t, d, h.ID, "stopping", "")
	h.Kill(syscall.SIGHUP) // behind all that was sent
	h.WantTraceSoon("pre", "term", "hup")
	h.Kill(syscall.SIGKILL)
	h.WantExit(137)
	h.WantTrace("pre", "term", "hup")
}

func TestPreStopIsEndedBySIGKILL(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`)
	h.Kill(syscall.SIGTERM)
	h.Await("pre")
	h.Kill(syscall.SIGKILL)
	h.WantExit(137)
	h.WantTrace("pre")
	h.WantTopics("/tasks/create", "/tasks/start", "/tasks/exit")
	h.WantHookEvent("preStop", "cancel")
}

func TestPreStopThatIsNoProcessIsCancelledBySIGKILL(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"timeoutSeconds":90,"sleep":{"seconds":1000}}}`)
	h.Kill(syscall.SIGTERM)
	h.WantHookEvent("preStop", "start")
	h.Kill(syscall.SIGKILL)
	h.WantExit(137)
	h.WantHookEvent("preStop", "cancel")
}

func TestPreStopEndsWhenTheInitExits(t *testing.T) {
	d := shared.Daemon(t)
	for name, hook := range map[string]string{
		"as the hook asked it to": `{"exec":` + shell(`echo pre >> /fifo/trace; kill -USR1 1; sleep 1000`) + `}`,
		"beside a sleep":          `{"sleep":{"seconds":1000}}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := harness.RunTask(t, d, `{"preStop":`+hook+`}`, func(o *harness.TaskOptions) {
				o.Args[2] = `trap 'exit 5' USR1; echo up > /fifo/main; while :; do sleep 1000 & wait; done`
			})
			h.Kill(syscall.SIGTERM)
			if name == "beside a sleep" {
				h.WantHookEvent("preStop", "start")
				h.Kill(syscall.SIGUSR1)
			}
			h.WantExit(5)
			h.WantTopics("/tasks/create", "/tasks/start", "/tasks/exit")
			h.WantHookEvent("preStop", "cancel")
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
			h := harness.RunTask(t, d, fmt.Sprintf(`{"terminationGracePeriodSeconds":%g,"preStop":{"exec":%s}}`, grace.Seconds(), shell(waitingPre)))
			h.Kill(syscall.SIGTERM)
			h.Await("pre")
			h.WantExit(0) // by the signal: nobody opens the hook's FIFO
			h.WantTrace("pre", "term")
			ev := h.WantHookEvent("preStop", "timeout")
			if took, _ := time.ParseDuration(ev["duration"]); ev["outcome"] != "TimedOut" || took < bound || took >= grace {
				t.Errorf("event %v, want a timeout after %s", ev, bound)
			}
		})
	}
}

func TestPreStopOutlivesItsConnection(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`)
	h.Kill(syscall.SIGTERM)
	h.Await("pre")
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Open("pre-go")
	h.WantTraceSoon("pre", "term")
	h.WantLog("hook ended: Succeeded")
}

func TestStopSignalsStopIsOverAfterOneGracePeriod(t *testing.T) {
	d := shared.Daemon(t)
	h := harness.RunTask(t, d, `{"terminationGracePeriodSeconds":4,"preStop":{"exec":`+shell(quickPre)+`}}`, func(o *harness.TaskOptions) {
		o.Args[2] = harness.DeafEntrypoint
	})
	h.Kill(syscall.SIGTERM)
	h.WantTraceSoon("pre", "term")
	// What comes now passes straight through: one delivery per stop. But the
	// runtime has to have said that it has sent the first.
	err := harness.Poll(t.Context(), time.Minute, "a signal that passes", func() error {
		h.Kill(syscall.SIGTERM)
		if trace := h.Trace(); len(trace) < 3 {
			return fmt.Errorf("the trace is %q", trace)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if trace := h.Trace(); !slices.Equal(trace[:3], []string{"pre", "term", "term"}) {
		t.Errorf("the trace is %q, want one preStop and then signals", trace)
	}
	err = harness.Poll(t.Context(), time.Minute, "a new stop", func() error {
		h.Kill(syscall.SIGTERM)
		if n := h.HookRuns("preStop"); n != 2 {
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
		h := harness.RunTask(t, d, pre, func(o *harness.TaskOptions) { o.Args[2] = "echo up > /fifo/main" })
		h.WantExit(0)
		if _, err := h.Task.Delete(t.Context()); err != nil { // it waits for a hook that runs
			t.Error(err)
		}
		if got := attempts(t, d.RecordsDir(), h.ID); len(got) > 0 {
			t.Errorf("it has records: %+v", got)
		}
	})
	t.Run("for SIGKILL", func(t *testing.T) {
		h := harness.RunTask(t, d, pre)
		h.Kill(syscall.SIGKILL)
		h.WantExit(137)
		h.WantTrace()
	})
	t.Run("for one that was never started", func(t *testing.T) {
		h := harness.CreateTask(t, d, pre)
		h.Kill(syscall.SIGTERM)
		if _, err := h.Task.Exited(t.Context()); err != nil { // the code is runc's own
			t.Error(err)
		}
		h.WantTrace()
	})
}

// TestPreStopCountsAgainstTheGracePeriodOfTheCRI is the case that all of preStop is
// made for: the CRI plugin starts its timer when Kill returns.
func TestPreStopCountsAgainstTheGracePeriodOfTheCRI(t *testing.T) {
	d := shared.Daemon(t)
	p := harness.CreateMain(t, d, `{"preStop":{"exec":`+shell(waitingPre)+`}}`, harness.DeafEntrypoint)
	if err := p.Container.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Await("main")
	// Neither the hook nor the container ends by itself: only a grace period
	// that is not held up by the hook ends this call.
	ctx, cancel := context.WithTimeout(t.Context(), harness.AtOnce)
	defer cancel()
	if err := p.Container.Stop(ctx, 2*time.Second); err != nil {
		t.Fatal(err)
	}
	st, err := p.Container.Status(t.Context())
	if err != nil || st.GetState() != runtimeapi.ContainerState_CONTAINER_EXITED || st.GetExitCode() != 137 {
		t.Errorf("after StopContainer: %v, %v; want an exit by SIGKILL", st, err)
	}
	if data, err := os.ReadFile(p.FIFOs.Dir + "/trace"); err != nil || string(data) != "pre\n" {
		t.Errorf("trace %q, %v; want only the hook", data, err)
	}
}
