package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// member is a container of a pod, and what a test needs to watch it: its
// entrypoint and hooks note themselves in its trace, as those of
// hooked do.
type member struct {
	*harness.Container
	t      *testing.T
	daemon *harness.Daemon
	fifos  *harness.FIFOs
}

// newMember creates a container; it is not started.
func newMember(t *testing.T, d *harness.Daemon, pod *harness.Pod, opts harness.ContainerOptions) *member {
	t.Helper()
	g := d.TestFIFOs(t, fifoNames...)
	opts.Mounts = g.Mounts()
	if opts.Command == nil {
		opts.Command = []string{"sh", "-c", entrypoint}
	}
	c, err := pod.CreateContainer(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return &member{Container: c, t: t, daemon: d, fifos: g}
}

// runMember starts a container and waits until its entrypoint takes signals.
func runMember(t *testing.T, d *harness.Daemon, pod *harness.Pod, opts harness.ContainerOptions) *member {
	t.Helper()
	m := newMember(t, d, pod, opts)
	m.start()
	return m
}

func (m *member) start() {
	m.t.Helper()
	if err := m.Start(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	if _, err := m.fifos.Await(m.t.Context(), "main"); err != nil {
		m.t.Fatal(err)
	}
	// The shell's child comes after that; who takes stock must not find it new.
	err := harness.Poll(m.t.Context(), time.Minute, "the entrypoint's sleep", func() error {
		if procs := inCgroup(m.t, m.daemon, m.ID); len(procs) < 2 {
			return fmt.Errorf("there are %v", procs)
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// patience is a grace period that no test waits for.
const patience = 100 * time.Second

// stop ends the container as the kubelet does and checks that its entrypoint
// was told rather than killed.
func (m *member) stop() {
	m.t.Helper()
	if err := m.Stop(m.t.Context(), harness.Limit(patience)); err != nil {
		m.t.Fatal(err)
	}
	st, err := m.WaitState(m.t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED)
	if err != nil || st.GetExitCode() != 0 {
		m.t.Errorf("exit code %d, %v; want 0", st.GetExitCode(), err)
	}
}

func (m *member) wantTrace(want ...string) {
	m.t.Helper()
	if got := readTrace(m.t, m.fifos); !slices.Equal(got, want) {
		m.t.Errorf("trace of %s: %q, want %q", m.Name(), got, want)
	}
}

// readTrace returns what a container's processes noted, in order.
func readTrace(t *testing.T, g *harness.FIFOs) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(g.Dir, "trace"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(data))
}

// note is a hook that writes a word into the trace.
func note(word string) string { return `{"exec":` + shell("echo "+word+" >> /fifo/trace") + `}` }

// wantRequest waits until a test server, whose TIMELINE is beside the FIFOs, has
// noted a request.
func wantRequest(t *testing.T, g *harness.FIFOs, path string) {
	t.Helper()
	err := harness.Poll(t.Context(), time.Minute, "a request", func() error {
		if b, _ := os.ReadFile(filepath.Join(g.Dir, "timeline")); !strings.Contains(string(b), " request GET "+path+"\n") {
			return fmt.Errorf("timeline: %q", b)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// serve runs a test server and waits until it listens.
func serve(t *testing.T, d *harness.Daemon, pod *harness.Pod, opts harness.ContainerOptions) (*harness.Container, *harness.FIFOs) {
	t.Helper()
	g := d.TestFIFOs(t)
	opts.Image, opts.Mounts, opts.Env = harness.TestserverImage, g.Mounts(), map[string]string{"TIMELINE": g.Path("timeline")}
	c := pod.TestContainer(t, opts)
	err := harness.Poll(t.Context(), time.Minute, "the server to listen", func() error {
		if b, _ := os.ReadFile(filepath.Join(g.Dir, "timeline")); !strings.Contains(string(b), " listening\n") {
			return errors.New("it does not")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, g
}

// setConfig gives the node a configuration until the test ends.
func setConfig(t *testing.T, d *harness.Daemon, content string) {
	t.Helper()
	if err := d.SetBookendConfig(content); err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, func(context.Context) error { return d.SetBookendConfig("") })
}
