package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestStockShimAndOursAreTheSameForPodsWithoutHooks(t *testing.T) {
	d := shared.Daemon(t)
	stock := runPodScript(t, d, harness.Runc, nil)
	for _, handler := range []string{harness.Bookend, harness.BookendType, harness.BookendOptions} {
		t.Run(handler, func(t *testing.T) {
			ours := runPodScript(t, d, handler, nil)
			wantSame(t, "replies", ours.lines, stock.lines)
			wantSame(t, "events", ours.events, stock.events)
		})
	}
}

func TestStockShimAndOursHaveTheSameRepliesAndEventsForPodsWithHooks(t *testing.T) {
	d := shared.Daemon(t)
	stock := runPodScript(t, d, harness.Runc, nil)
	hooks := map[string]string{}
	for _, name := range []string{"long", "short", "deaf"} {
		hooks[strings.Replace(harness.PodLifecycleKey, "main", name, 1)] = noDelay
	}
	ours := runPodScript(t, d, harness.Bookend, hooks)
	wantSame(t, "replies", ours.lines, stock.lines)
	wantSame(t, "events", ours.events, stock.events)
}

// podRun is one run of the script for pods.
type podRun struct {
	transcript
	events []string

	daemon *harness.Daemon
	pod    *harness.Pod
	log    *harness.EventLog
	ended  int // execs so far, all in one container
}

func runPodScript(t *testing.T, d *harness.Daemon, handler string, annotations map[string]string) *podRun {
	t.Helper()
	p := &podRun{transcript: transcript{t: t}, daemon: d, log: d.TestEvents(t)}
	p.pod = d.TestPod(t, harness.PodOptions{Handler: handler, Annotations: annotations})
	p.alias(d.Dir, "DIR")
	p.alias(p.pod.ID, "POD")
	p.alias(p.pod.Name(), "pod")
	p.everyCall()
	p.shortLived()
	p.deaf()
	p.withoutCommand()
	p.end()
	return p
}

// create creates a container.
func (p *podRun) create(opts harness.ContainerOptions) *harness.Fixture {
	p.t.Helper()
	m := harness.CreateContainer(p.t, p.pod, opts)
	p.alias(m.ID, opts.Name)
	p.alias(m.FIFOs.Dir, "FIFOS")
	p.status("created", m)
	return m
}

// remove removes the container and notes its events.
func (p *podRun) remove(m *harness.Fixture) {
	p.t.Helper()
	p.note("remove", nil, m.Container.Remove(p.t.Context()))
	p.note("second remove", nil, m.Container.Remove(p.t.Context()))
	_, err := m.Container.Status(p.t.Context())
	p.note("status of removed", nil, err)
	p.events = append(p.events, taskEvents(p.log, m.ID)...)
}

// status notes what of a container's status has no time of its own in it.
func (p *podRun) status(when string, m *harness.Fixture) {
	st, err := m.Container.Status(p.t.Context())
	p.note("status "+when, fmt.Sprint(st.GetState(), st.GetExitCode(), st.GetReason(), st.GetMessage(),
		st.GetStartedAt() > 0, st.GetFinishedAt() > 0), err)
}

func (p *podRun) exec(when string, m *harness.Fixture, command ...string) {
	p.t.Helper()
	got, err := m.Container.Exec(p.t.Context(), command...)
	p.note("exec "+when, fmt.Sprintf("%+v", got), err)
	if err == nil {
		p.execExited(m)
	}
}

// execExited waits for the exit event of one more exec, which a reply may
// overtake.
func (p *podRun) execExited(m *harness.Fixture) {
	p.t.Helper()
	p.ended++
	seen := 0
	_, err := p.log.WaitFor(p.t.Context(), func(e harness.Event) bool {
		if e.Topic == "/tasks/exit" && e.ContainerID == m.ID && e.ExecID != "" {
			seen++
		}
		return seen == p.ended
	})
	if err != nil {
		p.t.Error(err)
	}
}

func (p *podRun) exited(m *harness.Fixture) {
	p.t.Helper()
	if _, err := p.log.WaitTopic(p.t.Context(), "/tasks/exit", m.ID); err != nil {
		p.t.Error(err)
	}
}

// everyCall is a container that everything is done to.
func (p *podRun) everyCall() {
	p.t.Helper()
	ctx := p.t.Context()
	m := p.create(harness.ContainerOptions{Name: "long"})
	p.exec("in created", m, "true")
	p.note("stop of created", nil, m.Container.Stop(ctx, harness.Patience))
	m.Run()
	p.status("running", m)
	p.note("second start", nil, m.Start(ctx))
	p.execs(m)
	stats, err := m.Container.Stats(ctx)
	p.note("stats", fmt.Sprint(stats.GetCpu() != nil, stats.GetMemory() != nil), err)
	_, err = p.pod.CRI.UpdateContainerResources(ctx, &runtimeapi.UpdateContainerResourcesRequest{
		ContainerId: m.ID, Linux: &runtimeapi.LinuxContainerResources{CpuShares: 512},
	})
	p.note("update", nil, err)
	_, err = p.pod.CRI.ReopenContainerLog(ctx, &runtimeapi.ReopenContainerLogRequest{ContainerId: m.ID})
	p.note("reopen log", nil, err)
	_, err = p.pod.CRI.CheckpointContainer(ctx, &runtimeapi.CheckpointContainerRequest{ContainerId: m.ID, Location: p.t.TempDir() + "/c.tar", Timeout: 10})
	p.note("checkpoint", nil, err)
	p.note("stop", nil, m.Container.Stop(ctx, harness.Patience))
	p.exited(m)
	p.status("stopped", m)
	p.note("trace", m.Trace(), nil)
	p.note("second stop", nil, m.Container.Stop(ctx, harness.Patience))
	p.note("start of stopped", nil, m.Start(ctx))
	p.exec("in stopped", m, "true")
	_, err = m.Container.Stats(ctx)
	p.note("stats of stopped", nil, err)
	p.remove(m)
}

// execs are those of a running container.
func (p *podRun) execs(m *harness.Fixture) {
	p.exec("", m, "sh", "-c", "echo out; echo err >&2; exit 4")
	p.exec("of nothing", m, "/no/such/command")
	p.exec("that kills itself", m, "sh", "-c", "kill -9 $$")
	_, err := p.pod.CRI.ExecSync(p.t.Context(), &runtimeapi.ExecSyncRequest{ContainerId: m.ID, Cmd: []string{"sleep", "1000"}, Timeout: 1})
	p.note("exec that lasts", nil, err)
	p.execExited(m)
	_, err = p.pod.CRI.ExecSync(p.t.Context(), &runtimeapi.ExecSyncRequest{ContainerId: "nobody", Cmd: []string{"true"}})
	p.note("exec in nobody", nil, err)
}

// shortLived is a container that ends by itself.
func (p *podRun) shortLived() {
	m := p.create(harness.ContainerOptions{Name: "short", Command: []string{"sh", "-c", "cat /fifo/post-go; echo bye; exit 7"}})
	p.note("start", nil, m.Start(p.t.Context()))
	if err := m.FIFOs.Open(p.t.Context(), "post-go"); err != nil {
		p.t.Error(err)
	}
	if _, err := m.Container.WaitState(p.t.Context(), runtimeapi.ContainerState_CONTAINER_EXITED); err != nil {
		p.t.Error(err)
	}
	p.exited(m)
	p.status("ended", m)
	p.remove(m)
}

// deaf is a container that its stop signal does not end.
func (p *podRun) deaf() {
	m := p.create(harness.ContainerOptions{Name: "deaf", Command: []string{"sh", "-c", harness.DeafEntrypoint}})
	m.Run()
	p.note("stop", nil, m.Container.Stop(p.t.Context(), 2*time.Second))
	p.exited(m)
	p.status("killed", m)
	p.note("trace", m.Trace(), nil)
	p.remove(m)
}

// withoutCommand is a container whose command is not there.
func (p *podRun) withoutCommand() {
	m := p.create(harness.ContainerOptions{Name: "commandless", Command: []string{"/no/such/command"}})
	p.note("start", nil, m.Start(p.t.Context()))
	p.status("failed", m)
	p.remove(m)
}

// end stops the pod with a container in it.
func (p *podRun) end() {
	m := p.create(harness.ContainerOptions{Name: "last"})
	m.Run()
	p.note("stop pod", nil, p.pod.Stop(p.t.Context()))
	p.exited(m)
	p.status("after the pod", m)
	st, err := p.pod.Status(p.t.Context())
	p.note("status of the pod", st.GetState(), err)
	p.note("second stop of the pod", nil, p.pod.Stop(p.t.Context()))
	p.events = append(p.events, taskEvents(p.log, m.ID)...)
	// A shim ends with its sandbox: the stock one, on a busy machine, before the
	// sandbox's exit event is out.
	p.events = append(p.events, slices.DeleteFunc(taskEvents(p.log, p.pod.ID), func(topic string) bool {
		return topic == "/tasks/exit"
	})...)
}
