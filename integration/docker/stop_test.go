package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Without -t a stop takes dockerd's ten seconds at most, or --stop-timeout.
func TestStopRunsPreStop(t *testing.T) {
	seconds := 30
	for name, edit := range map[string]func(*client.ContainerCreateOptions){
		"default":        func(*client.ContainerCreateOptions) {},
		"--stop-timeout": func(o *client.ContainerCreateOptions) { o.Config.StopTimeout = &seconds },
	} {
		t.Run(name, func(t *testing.T) {
			e := sharedEngine(t)
			c := e.Run(t, lifecycle("", waiting("pre")), edit)
			reply := begin(func() error { return c.Stop() })
			c.Await("pre")
			c.WantTrace("pre") // and no signal
			c.Open("pre-go")
			if err := wantReply(t, reply); err != nil {
				t.Fatal(err)
			}
			c.WantState("exited", 0)
			c.WantTrace("pre", "term")
		})
	}
}

func TestStopThatWaitsForEver(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, lifecycle("", waiting("pre")))
	reply := begin(func() error { return c.Stop(-1) })
	c.Await("pre")
	c.Open("pre-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	c.WantState("exited", 0)
	c.WantTrace("pre", "term")
}

// Of a preStop that takes longer than the stop, SIGKILL leaves nothing.
func TestStopThatIsShorterThanPreStop(t *testing.T) {
	for name, seconds := range map[string]int{"1 s": 1, "0 s": 0} {
		t.Run(name, func(t *testing.T) {
			e := sharedEngine(t)
			c := e.Run(t, lifecycle("", hook("sleep 1000")))
			if err := c.Stop(seconds); err != nil {
				t.Fatal(err)
			}
			c.WantState("exited", 137)
			c.WantTrace()
		})
	}
}

// The grace period in the annotation leaves the signal its time.
func TestStopThatKnowsTheGracePeriod(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, `{"terminationGracePeriodSeconds":4,"preStop":`+hook("sleep 1000")+`}`)
	if err := c.Stop(30); err != nil {
		t.Fatal(err)
	}
	c.WantState("exited", 0)
	c.WantTrace("term")
	c.WantHookEvent("preStop", "timeout")
}

func TestStopOfAPausedContainer(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, bothHooks)
	if _, err := e.ContainerPause(t.Context(), c.ID, client.ContainerPauseOptions{}); err != nil {
		t.Fatal(err)
	}
	c.WantState("paused", 0)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.WantState("exited", 0)
	c.WantTrace("post", "pre", "term")
}

func TestPauseDuringPreStop(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, lifecycle("", waiting("pre")))
	reply := begin(func() error { return c.Stop(60) })
	c.Await("pre")
	if _, err := e.ContainerPause(t.Context(), c.ID, client.ContainerPauseOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.ContainerUnpause(t.Context(), c.ID, client.ContainerUnpauseOptions{}); err != nil {
		t.Fatal(err)
	}
	c.Open("pre-go")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	c.WantState("exited", 0)
	c.WantTrace("pre", "term")
}

func TestKill(t *testing.T) {
	for _, given := range []struct {
		signal string
		code   int
		trace  []string
	}{
		{"", 137, nil},
		{"SIGTERM", 0, []string{"pre", "term"}},
	} {
		t.Run("signal "+given.signal, func(t *testing.T) {
			e := sharedEngine(t)
			c := e.Run(t, lifecycle("", note("pre")))
			c.Signal(given.signal)
			c.WantState("exited", given.code)
			c.WantTrace(given.trace...)
		})
	}
}

func TestKillByAnotherSignalPasses(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, lifecycle("", note("pre")))
	c.Signal("SIGHUP")
	c.WantTraceSoon("hup")
	c.WantState("running", 0)
}

// noting is an entrypoint that notes a signal and ends.
func noting(signal string) func(*client.ContainerCreateOptions) {
	return func(o *client.ContainerCreateOptions) {
		o.Config.StopSignal = signal
		name := signal[len("SIG"):]
		o.Config.Cmd = []string{"sh", "-c", "trap 'echo " + name + " >> /fifo/trace; exit 0' " + name + "\n" +
			"echo up > /fifo/main\nwhile :; do sleep 1000 & wait; done"}
	}
}

func TestStopSignal(t *testing.T) {
	for _, given := range []struct {
		name, signal, lifecycle string
		trace                   []string
	}{
		{"of the set", "SIGQUIT", lifecycle("", note("pre")), []string{"pre", "QUIT"}},
		{"of none", "SIGUSR2", lifecycle("", note("pre")), []string{"USR2"}},
		{"named in stopSignals", "SIGUSR2", `{"stopSignals":["SIGUSR2"],"preStop":` + note("pre") + `}`, []string{"pre", "USR2"}},
	} {
		t.Run(given.name, func(t *testing.T) {
			e := sharedEngine(t)
			c := e.Run(t, given.lifecycle, noting(given.signal))
			if err := c.Stop(); err != nil {
				t.Fatal(err)
			}
			c.WantState("exited", 0)
			c.WantTrace(given.trace...)
		})
	}
}

func TestRestartRunsHooksEachTime(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, bothHooks)
	reply := begin(func() error {
		_, err := e.ContainerRestart(t.Context(), c.ID, client.ContainerRestartOptions{})
		return err
	})
	c.Await("main")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	c.WantState("running", 0)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.WantState("exited", 0)
	c.WantTrace("post", "pre", "term", "post", "pre", "term")

	reply = c.Begin(t.Context())
	c.Await("main")
	if err := wantReply(t, reply); err != nil {
		t.Fatal(err)
	}
	c.WantTrace("post", "pre", "term", "post", "pre", "term", "post")
	if got := c.HookRuns("postStart"); got != 3 {
		t.Errorf("%d runs of postStart", got)
	}
}

// leaving is an entrypoint that ends by itself once it may, with a code.
func leaving(code string) func(*client.ContainerCreateOptions) {
	return func(o *client.ContainerCreateOptions) {
		o.Config.Cmd = []string{"sh", "-c", "echo up > /fifo/main; trap 'echo term >> /fifo/trace; exit 0' TERM; " +
			"cat /fifo/pre-go & wait $!; exit " + code}
	}
}

func TestRestartPolicies(t *testing.T) {
	for _, given := range []struct {
		policy container.RestartPolicyMode
		code   string
	}{
		{container.RestartPolicyAlways, "0"},
		{container.RestartPolicyUnlessStopped, "0"},
		{container.RestartPolicyOnFailure, "3"},
	} {
		t.Run(string(given.policy), func(t *testing.T) {
			e := sharedEngine(t)
			c := e.Run(t, bothHooks, restart(given.policy, 0), leaving(given.code))
			for n := range 2 {
				c.Open("pre-go")
				c.Await("main")
				c.poll("restart", wantRestarts(n+1))
			}
			c.WantTrace("post", "post", "post") // and no preStop: it ended by itself
			if err := c.Stop(); err != nil {
				t.Fatal(err)
			}
			c.WantState("exited", 0)
			c.WantTrace("post", "post", "post", "pre", "term")
		})
	}
}

func TestRestartPolicyOnFailureHasItsEnd(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, bothHooks, restart(container.RestartPolicyOnFailure, 1), leaving("3"))
	c.Open("pre-go")
	c.Await("main")
	c.poll("the restart", wantRestarts(1))
	c.Open("pre-go")
	c.WantState("exited", 3)
	c.WantTrace("post", "post")
}

// dockerd's policies are for containers that ran: a start that fails it does not
// repeat.
func TestRestartPolicyEndsAtAFailedPostStart(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, lifecycle(hook("echo post >> /fifo/trace; ! test -e /fifo/fail"), note("pre")),
		restart(container.RestartPolicyAlways, 0), leaving("3"))
	if err := os.WriteFile(filepath.Join(c.FIFOs.Dir, "fail"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Open("pre-go")
	c.Await("main")
	c.WantState("exited", 3)
	c.WantTrace("post", "post", "pre", "term")
	if state := c.Inspect().State; !strings.Contains(state.Error, "FailedPostStartHook: exec: exit status 1") {
		t.Errorf("error of the container's state: %q", state.Error)
	}
}

// wantRestarts is the state of a container that runs for the n-th time again.
func wantRestarts(n int) func(container.InspectResponse) error {
	return func(got container.InspectResponse) error {
		if got.RestartCount != n || got.State.Status != container.StateRunning {
			return fmt.Errorf("it is %s and was restarted %d times, want %d", got.State.Status, got.RestartCount, n)
		}
		return nil
	}
}
