package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// The tests in this file have a runtime whose kill does not do what it says.

// ignoreKill makes the kills of a signal do nothing: they are counted, say text, and
// end with a code.
func (s *runtimeSwitch) ignoreKill(sig syscall.Signal, text string, code int) {
	s.t.Helper()
	s.put(fmt.Appendf(nil, "#!/bin/sh\ncase \"$*\" in *\" kill \"*\" %d\") echo ignored >> %s/ignored; echo '%s' >&2; exit %d;; esac\nexec %s \"$@\"\n",
		sig, s.dir, text, code, s.real))
}

// awaitIgnored waits until the runtime has ignored so many calls.
func (s *runtimeSwitch) awaitIgnored(n int) {
	s.t.Helper()
	err := harness.Poll(s.t.Context(), 30*time.Second, "calls of kill", func() error {
		data, _ := os.ReadFile(filepath.Join(s.dir, "ignored"))
		if got := strings.Count(string(data), "ignored"); got < n {
			return fmt.Errorf("there were %d, want %d", got, n)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestKillThatDidNothingIsRepeated(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.CreateTask(t, d, `{"terminationGracePeriodSeconds":1,"postStart":{"exec":`+shell(`cat /fifo/post-go; exit 3`)+`}}`,
		func(o *harness.TaskOptions) { o.Args[2] = harness.DeafEntrypoint })
	reply := h.Begin(t.Context())
	h.Await("main")
	sw.ignoreKill(syscall.SIGKILL, "", 0)
	h.Open("post-go")
	sw.awaitIgnored(2)
	stillWithheld(t, reply)
	sw.restore()
	if err := wantReply(t, reply); !isAborted(t, err) {
		t.Errorf("Start: %v, want Aborted", err)
	}
	h.WantExit(137)
}

func TestKillThatFindsNoProcessEndsTheStop(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`)
	sw.ignoreKill(syscall.SIGTERM, "container not running", 1)
	h.Kill(syscall.SIGTERM)
	awaitStatus(t, d, h.ID, "stopping", "")
	sw.restore()
	h.Kill(syscall.SIGTERM) // passes
	h.WantExit(0)
	h.WantTrace("pre", "term")
}

func TestKillBySIGKILLThatFailsCancelsNoHook(t *testing.T) {
	sw, d := newRuntimeSwitch(t)
	h := harness.RunTask(t, d, `{"preStop":{"exec":`+shell(waitingPre+`; echo done >> /fifo/trace`)+`}}`)
	h.Kill(syscall.SIGTERM)
	h.Await("pre")
	sw.fail(`*" kill "*`)
	if err := h.Task.Kill(t.Context(), syscall.SIGKILL); err == nil {
		t.Error("SIGKILL: success of a runtime that failed")
	}
	sw.restore()
	h.Open("pre-go")
	h.WantExit(0)
	h.WantTrace("pre", "done", "term")
}
