package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about servers that come and go under their own
// hooks, and about what a hook inside the shim leaves of the shim.

func TestHTTPGetIsRetriedUntilTheServerListens(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	log := d.TestEvents(t)
	g := d.TestFIFOs(t, fifoNames...)
	c, err := pod.CreateContainer(t.Context(), harness.ContainerOptions{
		Name: "main", Image: harness.TestserverImage, Mounts: g.Mounts(), Env: map[string]string{"TIMELINE": g.Path("timeline")},
		Command:     []string{"sh", "-c", "echo up > /fifo/main; cat /fifo/post-go; exec /testserver"},
		Annotations: map[string]string{podLifecycleKey: `{"postStart":{"retries":1000,"httpGet":{"port":80,"path":"/up"}}}`},
	})
	if err != nil {
		t.Fatal(err)
	}
	reply := make(chan error, 1)
	go func() { reply <- c.Start(t.Context()) }()
	if _, err := g.Await(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	init := int(loadTask(t, d, harness.CRINamespace, c.ID).Pid())
	if err := harness.Poll(t.Context(), harness.ReadyTimeout, "a refused connection", func() error { return refusedIn(init) }); err != nil {
		t.Fatal(err)
	}
	stillWithheld(t, reply)
	if err := g.Open(t.Context(), "post-go"); err != nil {
		t.Fatal(err)
	}
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
	wantRequest(t, g, "/up")
	if ev := wantHookEvent(t, log, c.ID, "postStart", "success"); ev["attempts"] == "1" || ev["attempts"] == "" {
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
func webPod(t *testing.T, d *harness.Daemon, lifecycle string) (*started, *harness.Container) {
	t.Helper()
	s := &started{t: t, d: d, namespace: harness.CRINamespace, events: d.TestEvents(t)}
	opts := harness.PodOptions{Handler: harness.Bookend}
	if lifecycle != "" {
		opts.Annotations = map[string]string{"lifecycle.bookend.dev/web": lifecycle}
	}
	c, g := serve(t, d, d.TestPod(t, opts), harness.ContainerOptions{Name: "web"})
	s.id, s.fifos = c.ID, g
	s.init = int(s.task().Pid())
	return s, c
}

// stop is StopContainer with more patience than any test has.
func (s *started) stop(c *harness.Container) <-chan error {
	reply := make(chan error, 1)
	go func() { reply <- c.Stop(s.t.Context(), patience) }()
	return reply
}

func TestHTTPGetOfAPreStopMayEndItsServer(t *testing.T) {
	d := shared.Daemon(t)
	t.Run("as it was asked to", func(t *testing.T) {
		s, c := webPod(t, d, `{"preStop":{"httpGet":{"port":80,"path":"/shutdown"}}}`)
		if err := wantReply(t, s.stop(c)); err != nil {
			t.Fatal(err)
		}
		s.wantEnd(c, 0)
		if b := readFile(t, filepath.Join(s.fifos.Dir, "timeline")); !strings.Contains(b, " request GET /shutdown\n") || !strings.HasSuffix(b, " exit\n") {
			t.Errorf("timeline %q, want the request and an exit", b)
		}
	})
	t.Run("in the middle of an answer", func(t *testing.T) {
		s, c := webPod(t, d, `{"preStop":{"httpGet":{"port":80,"path":"/hang"}}}`)
		stopped := s.stop(c)
		wantRequest(t, s.fifos, "/hang")
		s.kill(syscall.SIGHUP) // no stop signal: it passes straight through
		if err := wantReply(t, stopped); err != nil {
			t.Fatal(err)
		}
		s.wantEnd(c, 2) // as every Go program that is pid 1 and gets a signal it has no handler for
		wantHookEvent(t, s.events, s.id, "preStop", "cancel")
	})
}

// wantEnd checks how a container ended, and that no hook of it has failed.
func (s *started) wantEnd(c *harness.Container, code int32) {
	s.t.Helper()
	st, err := c.WaitState(s.t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED)
	if err != nil || st.GetExitCode() != code {
		s.t.Errorf("exit code %d, %v; want %d", st.GetExitCode(), err, code)
	}
	// The last word on the hook, whatever it is.
	_, err = s.events.WaitFor(s.t.Context(), func(e harness.Event) bool {
		fields, ok := hookEvent(e, s.id)
		if ok && strings.HasSuffix(e.Topic, "/failure") {
			s.t.Errorf("event %v", fields)
		}
		return ok && !strings.HasSuffix(e.Topic, "/start")
	})
	if err != nil {
		s.t.Error(err)
	}
}

// TestHTTPGetAndSleepStartNoProcess compares the shim's children while a
// hook runs in it with the containers' inits.
func TestHTTPGetAndSleepStartNoProcess(t *testing.T) {
	d := shared.Daemon(t)
	for name, hook := range map[string]string{
		"httpGet": `{"httpGet":{"port":80,"path":"/hang"}}`,
		"sleep":   `{"sleep":{"seconds":3600}}`,
	} {
		t.Run("preStop/"+name, func(t *testing.T) {
			web, c := webPod(t, d, `{"preStop":`+hook+`}`)
			stopped := web.stop(c)
			web.awaitRunning("preStop", web.fifos)
			web.wantChildren("pause", "testserver")
			web.kill(syscall.SIGKILL)
			if err := wantReply(t, stopped); err != nil {
				t.Error(err)
			}
		})
		t.Run("postStart/"+name, func(t *testing.T) {
			web, c := webPod(t, d, "")
			m := newMember(t, d, c.Pod, harness.ContainerOptions{Name: "main", Annotations: map[string]string{podLifecycleKey: `{"postStart":` + hook + `}`}})
			reply := make(chan error, 1)
			go func() { reply <- m.Start(t.Context()) }()
			if _, err := m.fifos.Await(t.Context(), "main"); err != nil {
				t.Fatal(err)
			}
			s := &started{t: t, d: d, namespace: harness.CRINamespace, id: m.ID, events: web.events}
			s.init = int(s.task().Pid())
			s.awaitRunning("postStart", web.fifos)
			s.wantChildren("pause", "sh", "testserver")
			s.kill(syscall.SIGKILL)
			if err := wantReply(t, reply); err != nil {
				t.Error(err)
			}
		})
	}
}

// awaitRunning waits until a hook inside the shim is at its work, an httpGet at
// the server with the FIFOs.
func (s *started) awaitRunning(hook string, server *harness.FIFOs) {
	s.t.Helper()
	if ev := wantHookEvent(s.t, s.events, s.id, hook, "start"); ev["handler"] == "httpGet" {
		wantRequest(s.t, server, "/hang")
	}
}

// wantChildren waits until the shim has just these children: a runc that started
// a container may not have been reaped yet.
func (s *started) wantChildren(comms ...string) {
	s.t.Helper()
	init, err := harness.ReadProcess(s.init)
	if err != nil {
		s.t.Fatal(err)
	}
	err = harness.Poll(s.t.Context(), harness.ReadyTimeout, "the shim's children", func() error {
		procs, err := s.d.Processes()
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
		s.t.Error(err)
	}
}
