package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// timeline is where a test server notes what it does.
func timeline(h *harness.Fixture) string {
	data, _ := os.ReadFile(filepath.Join(h.FIFOs.Dir, "timeline")) // made when it starts
	return string(data)
}

// newServer creates a container that is a test server; it is not started.
func newServer(t *testing.T, pod *harness.Pod, opts harness.ContainerOptions) *harness.Fixture {
	t.Helper()
	opts.Image, opts.Env = harness.TestserverImage, map[string]string{"TIMELINE": harness.FIFODir + "/timeline"}
	return harness.CreateContainer(t, pod, opts)
}

// serve runs a test server and waits until it listens.
func serve(t *testing.T, pod *harness.Pod, opts harness.ContainerOptions) *harness.Fixture {
	t.Helper()
	h := newServer(t, pod, opts)
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := harness.Poll(t.Context(), time.Minute, "the server to listen", func() error {
		if !strings.Contains(timeline(h), " listening\n") {
			return errors.New("it does not")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// wantRequest waits until a test server has noted a request.
func wantRequest(t *testing.T, server *harness.Fixture, path string) {
	t.Helper()
	err := harness.Poll(t.Context(), time.Minute, "a request", func() error {
		if got := timeline(server); !strings.Contains(got, " request GET "+path+"\n") {
			return fmt.Errorf("timeline: %q", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
