package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// The tests in this file are about servers that come and go under their own
// hooks, and about what a hook inside the shim leaves of the shim.

func TestHTTPGetIsRetriedUntilTheServerListens(t *testing.T) {
	d := shared.Daemon(t)
	h := newServer(t, d.TestPod(t, harness.PodOptions{Handler: harness.Bookend}), harness.ContainerOptions{
		Name:        "main",
		Command:     []string{"sh", "-c", "echo up > /fifo/main; cat /fifo/post-go; exec /testserver"},
		Annotations: map[string]string{harness.PodLifecycleKey: `{"postStart":{"retries":1000,"httpGet":{"port":80,"path":"/up"}}}`},
	})
	reply := h.Begin(t.Context())
	h.Await("main")
	init := h.Init()
	if err := harness.Poll(t.Context(), harness.ReadyTimeout, "a refused connection", func() error { return refusedIn(init) }); err != nil {
		t.Fatal(err)
	}
	stillWithheld(t, reply)
	h.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
	wantRequest(t, h, "/up")
	if ev := h.WantHookEvent("postStart", "success"); ev["attempts"] == "1" || ev["attempts"] == "" {
		t.Errorf("event %v, want more than one attempt", ev)
	}
}

// refusedIn returns nil once a connection has been refused in the network
// namespace of a process.
func refusedIn(pid int) error {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/snmp", pid))
	if err != nil {
		return harness.Permanent(err)
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if fields[0] != "Tcp:" {
			continue
		}
		if names == nil {
			names = fields
		} else if i := slices.Index(names, "AttemptFails"); i > 0 && fields[i] != "0" {
			return nil
		}
	}
	return fmt.Errorf("there is none: %s", data)
}

// webPod is a test server with hooks of its own; empty: none.
func webPod(t *testing.T, d *harness.Daemon, lifecycle string) *harness.Fixture {
	t.Helper()
	opts := harness.PodOptions{Handler: harness.Bookend}
	if lifecycle != "" {
		opts.Annotations = map[string]string{"lifecycle.bookend.dev/web": lifecycle}
	}
	return serve(t, d.TestPod(t, opts), harness.ContainerOptions{Name: "web"})
}

func TestHTTPGetOfAPreStopMayEndItsServer(t *testing.T) {
	d := shared.Daemon(t)
	t.Run("as it was asked to", func(t *testing.T) {
		h := webPod(t, d, `{"preStop":{"httpGet":{"port":80,"path":"/shutdown"}}}`)
		if err := wantReply(t, h.BeginStop()); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, h, 0)
		if b := timeline(h); !strings.Contains(b, " request GET /shutdown\n") || !strings.HasSuffix(b, " exit\n") {
			t.Errorf("timeline %q, want the request and an exit", b)
		}
	})
	t.Run("in the middle of an answer", func(t *testing.T) {
		h := webPod(t, d, `{"preStop":{"httpGet":{"port":80,"path":"/hang"}}}`)
		stopped := h.BeginStop()
		wantRequest(t, h, "/hang")
		h.Kill(syscall.SIGHUP) // no stop signal: it passes straight through
		if err := wantReply(t, stopped); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, h, 2) // as every Go program that is pid 1 and gets a signal it has no handler for
		h.WantHookEvent("preStop", "cancel")
	})
}

// wantEnd checks how a container ended, and that no hook of it has failed.
func wantEnd(t *testing.T, h *harness.Fixture, code int) {
	t.Helper()
	h.WantExit(code)
	// The last word on the hook, whatever it is.
	_, err := h.Events.WaitFor(t.Context(), func(e harness.Event) bool {
		hook, ok := e.Hook()
		ok = ok && hook.ContainerID == h.ID
		if ok && hook.Verb == "failure" {
			t.Errorf("event %v", hook.Fields)
		}
		return ok && hook.Verb != "start"
	})
	if err != nil {
		t.Error(err)
	}
}

// TestHTTPGetAndSleepStartNoProcess compares the shim's children while a hook runs
// in it with the containers' inits.
func TestHTTPGetAndSleepStartNoProcess(t *testing.T) {
	d := shared.Daemon(t)
	for name, hook := range map[string]string{
		"httpGet": `{"httpGet":{"port":80,"path":"/hang"}}`,
		"sleep":   `{"sleep":{"seconds":3600}}`,
	} {
		t.Run("preStop/"+name, func(t *testing.T) {
			web := webPod(t, d, `{"preStop":`+hook+`}`)
			stopped := web.BeginStop()
			awaitRunning(t, web, "preStop", web)
			wantChildren(t, web, "pause", "testserver")
			web.Kill(syscall.SIGKILL)
			if err := wantReply(t, stopped); err != nil {
				t.Error(err)
			}
		})
		t.Run("postStart/"+name, func(t *testing.T) {
			web := webPod(t, d, "")
			h := harness.CreateContainer(t, web.Container.Pod, harness.ContainerOptions{
				Name: "main", Annotations: map[string]string{harness.PodLifecycleKey: `{"postStart":` + hook + `}`},
			})
			reply := h.Begin(t.Context())
			h.Await("main")
			awaitRunning(t, h, "postStart", web)
			wantChildren(t, h, "pause", "sh", "testserver")
			h.Kill(syscall.SIGKILL)
			if err := wantReply(t, reply); err != nil {
				t.Error(err)
			}
		})
	}
}

// awaitRunning waits until a hook inside the shim is at its work, an httpGet at
// the server.
func awaitRunning(t *testing.T, h *harness.Fixture, hook string, server *harness.Fixture) {
	t.Helper()
	if ev := h.WantHookEvent(hook, "start"); ev["handler"] == "httpGet" {
		wantRequest(t, server, "/hang")
	}
}

// wantChildren waits until the shim has just these children: a runc that started
// a container may not have been reaped yet.
func wantChildren(t *testing.T, h *harness.Fixture, comms ...string) {
	t.Helper()
	init, err := harness.ReadProcess(h.Init())
	if err != nil {
		t.Fatal(err)
	}
	err = harness.Poll(t.Context(), harness.ReadyTimeout, "the shim's children", func() error {
		procs, err := h.Daemon.Processes()
		var got []string
		for _, p := range procs {
			if p.PPID == init.PPID {
				got = append(got, p.Comm)
			}
		}
		if slices.Sort(got); !slices.Equal(got, comms) {
			err = fmt.Errorf("they are %q, want %q", got, comms)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
