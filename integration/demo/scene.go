package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"bookend.dev/bookend/integration/harness"
)

// scene is one run of the pod: what there is of it, and what was seen. It
// belongs to one goroutine, the timeline and the events excepted.
type scene struct {
	daemon *harness.Daemon
	calls  *recordedCalls
	events *harness.EventLog

	volume      string // of the pod, a directory of the host
	pod         *harness.Pod
	web, broken *harness.Container

	began    time.Time // of the pod
	timeline *timeline
	failure  failure // of broken
	proof    proof
}

// newScene makes d's CRI client one that makes the calls that change a pod by
// crictl, and records them. The caller closes events.
func newScene(ctx context.Context, d *harness.Daemon) (*scene, error) {
	program, err := d.Binaries().Tool("crictl")
	if err != nil {
		return nil, err
	}
	s := &scene{daemon: d, timeline: &timeline{}}
	s.calls = &recordedCalls{
		RuntimeServiceClient: &crictl{d.CRI.RuntimeServiceClient, program, "unix://" + d.Address()},
		timeline:             s.timeline, names: map[string]string{},
	}
	d.CRI.RuntimeServiceClient = s.calls
	s.events, err = d.Events(ctx)
	return s, err
}

// play runs the pod to the end of its containers. What it made is removed by
// clear, also where play fails.
func (s *scene) play(ctx context.Context) (err error) {
	if s.volume, err = os.MkdirTemp(s.daemon.Dir, "volume-"); err != nil {
		return err
	}
	s.began = time.Now()
	if s.pod, err = s.daemon.CRI.RunPod(ctx, pod()); err != nil {
		return err
	}
	ip, err := s.pod.IP(ctx)
	if err != nil {
		return err
	}
	url := "http://" + ip + pageURL
	for _, act := range []func(context.Context, string) error{s.startWeb, s.startBroken, s.stopWeb} {
		if err := act(ctx, url); err != nil {
			return err
		}
	}
	return nil
}

// startWeb starts the container whose hooks succeed.
func (s *scene) startWeb(ctx context.Context, url string) (err error) {
	if s.web, err = s.pod.RunContainer(ctx, server(webName, s.volume, 80)); err != nil {
		return err
	}
	s.proof.expect("web's postStart succeeded", s.hook(ctx, s.web, "postStart", "success"))
	s.proof.expect("once Start had replied, the page was the one that postStart wrote", s.fetchPage(ctx, url))
	return nil
}

// startBroken starts the container whose postStart fails, beside the first one.
func (s *scene) startBroken(ctx context.Context, url string) (err error) {
	if s.broken, err = s.pod.CreateContainer(ctx, server(brokenName, s.volume, 81)); err != nil {
		return err
	}
	if s.failure, err = startFailing(ctx, s.broken); err != nil {
		return err
	}
	s.proof.expect("broken's postStart failed", s.hook(ctx, s.broken, "postStart", "failure"))
	s.proof.expect("broken's preStop then ran to its end", s.hook(ctx, s.broken, "preStop", "success"))
	s.proof.expect("broken got its stop signal", s.logged(s.broken, "signal terminated"))
	s.proof.expect("CRI reports StartError and FailedPostStartHook", s.failure.check())
	s.proof.expect("web served its page all the same", s.fetchPage(ctx, url))
	return nil
}

// stopWeb stops the first container as the kubelet does.
func (s *scene) stopWeb(ctx context.Context, _ string) error {
	if err := s.web.Stop(ctx, gracePeriodSeconds*time.Second); err != nil {
		return err
	}
	s.proof.expect("web's preStop ran", s.hook(ctx, s.web, "preStop", "start"))
	// Where the server is faster than its reply, the hook ends with the server.
	s.proof.expect("web's preStop ended without a failure", s.hook(ctx, s.web, "preStop", "success", "cancel"))
	s.proof.expect("web's server was asked to shut down", s.logged(s.web, "request GET /shutdown"))
	status, err := s.web.WaitState(ctx, runtimeapi.ContainerState_CONTAINER_EXITED)
	if err == nil && status.GetExitCode() != 0 {
		err = fmt.Errorf("exit code %d", status.GetExitCode())
	}
	s.proof.expect("web ended with exit code 0, within its grace period", err)
	return nil
}

// fetchPage gets the page and compares it with what postStart writes.
func (s *scene) fetchPage(ctx context.Context, url string) error {
	text, err := fetch(ctx, url)
	if err != nil {
		return err
	}
	s.timeline.add(row{time.Now(), webName, fromHTTP, fmt.Sprintf("GET %s: %q", url, text)})
	if text != page {
		return fmt.Errorf("it was %q", text)
	}
	return nil
}

// eventTimeout is how long an event may take from its cause to here.
const eventTimeout = 10 * time.Second

// hook waits for the event of a container's hook that ends in one of verbs.
func (s *scene) hook(ctx context.Context, c *harness.Container, hook string, verbs ...string) error {
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	_, err := s.events.WaitFor(ctx, func(e harness.Event) bool {
		h, ok := e.Hook()
		return ok && h.ContainerID == c.ID && h.Hook == hook && slices.Contains(verbs, h.Verb)
	})
	if err != nil { // WaitFor's own words repeat the timeline
		return fmt.Errorf("no event of %s: %w", strings.Join(verbs, " or "), context.Cause(ctx))
	}
	return nil
}

// logged tells whether a container's server has logged a line.
func (s *scene) logged(c *harness.Container, what string) error {
	log, err := c.Log()
	if err == nil && !strings.Contains(log, " "+what+"\n") {
		err = fmt.Errorf("not in its log:\n%s", log)
	}
	return err
}

// clear removes the pod, its logs being read before, and its volume.
func (s *scene) clear(ctx context.Context) error {
	ctx, cancel := cleaning(ctx)
	defer cancel()
	var errs []error
	for _, c := range []*harness.Container{s.web, s.broken} {
		if c == nil {
			continue
		}
		log, err := c.Log()
		errs = append(errs, err)
		s.timeline.add(serverRows(s.calls.names[c.ID], log)...)
	}
	if s.pod != nil {
		errs = append(errs, s.pod.Remove(ctx))
	}
	return errors.Join(append(errs, os.RemoveAll(s.volume))...)
}

// collect adds to the timeline what containerd has told of the containers.
func (s *scene) collect() {
	for _, e := range s.events.All() {
		if r, ok := eventRow(e, s.calls.names); ok {
			s.timeline.add(r)
		}
	}
	s.timeline.add(killRows(s.daemon.Log(), s.calls.names)...)
}
