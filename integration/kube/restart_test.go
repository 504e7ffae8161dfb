package kube

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// gate is a FIFO at which hooks wait, any number of them and any number of times.
type gate struct{ fifo *os.File }

// newGate makes one of the space's FIFO. It is held open, for hooks to wait in read
// and not in open.
func (s *space) newGate(name string) gate {
	s.t.Helper()
	fifo, err := os.OpenFile(filepath.Join(s.fifos.Dir, name), os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { fifo.Close() })
	return gate{fifo}
}

// waitAt is a shell command that waits at a gate.
func waitAt(name string) string { return "read go < " + harness.FIFODir + "/" + name }

// open lets through what waits there, and what comes later.
func (g gate) open(t *testing.T) {
	t.Helper()
	if _, err := g.fifo.WriteString(strings.Repeat("go\n", 64)); err != nil {
		t.Fatal(err)
	}
}

// awaitNote waits until a pod has noted a word.
func (s *space) awaitNote(pod, word string) {
	s.t.Helper()
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, pod+" to note "+word, func() error {
		if got := s.notes(pod); !slices.Contains(got, word) {
			return fmt.Errorf("it has noted %q", got)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// interrupted are a pod whose postStart runs and one whose preStop does, while a
// program is killed. The second hook fails in the end.
type interrupted struct {
	*space

	gate
	stopping types.UID
}

const (
	starting = "starting"
	stopping = "stopping"
)

func newInterrupted(t *testing.T) *interrupted {
	t.Helper()
	i := &interrupted{space: newHookedSpace(t, "gate")}
	i.gate = i.newGate("gate")
	hook := func(name string) string {
		return noteHost(name+"-began") + "; " + waitAt("gate") + "; " + noteHost(name)
	}
	script := "trap '" + noteHost("term") + "; exit 0' TERM; " + forever
	i.create(i.plain(stopping, harness.Bookend, script, edits(grace(120), hooks(nil, shell(hook("pre")+"; exit 7")))))
	i.await(stopping, "the pod to be ready", ready)
	i.stopping = i.uid(stopping)
	i.create(i.plain(starting, harness.Bookend, script, hooks(shell(hook("post")), nil)))
	i.awaitNote(starting, "post-began")
	i.kubectl("delete", "pod", stopping, "--wait=false")
	i.awaitNote(stopping, "pre-began")
	return i
}

// finish lets the hooks end, and then both pods, and checks what has become of them.
// A postStart may begin this often: each time its container does.
func (i *interrupted) finish(t *testing.T, mostStarts int) {
	t.Helper()
	i.open(t)
	i.awaitNote(starting, "post")
	i.await(starting, "the pod to be ready", ready)
	i.await(stopping, "the pod to go", gone)
	i.wantNotes(stopping, "pre-began", "pre", "term")
	i.wantTold(i.stopping, "FailedPreStopHook", "PreStopHook failed: exec: exit status 7")
	i.remove(starting)

	noted := i.notes(starting)
	count := func(word string) (n int) {
		for _, w := range noted {
			if w == word {
				n++
			}
		}
		return n
	}
	began, ended := count("post-began"), count("post")
	if began < 1 || began > mostStarts || ended < 1 || ended > began || count("term") != 1 || noted[len(noted)-1] != "term" {
		t.Errorf("%s noted %q, want at most %d starts", starting, noted, mostStarts)
	}
	if runs := i.runs(starting); len(runs) != began || !slices.Contains(runs, "postStart Succeeded") {
		t.Errorf("the records of %s are %q, it noted %q", starting, runs, noted)
	}
	i.wantRuns(stopping, "preStop Failed")
}

func TestHooksOutliveAProgramThatIsKilled(t *testing.T) {
	for _, program := range []struct {
		name string
		// starts is how often a container may start: the kubelet's connection is that of
		// the call whose reply waits for postStart.
		starts int
		during func(*interrupted) // while it is dead; nil: nothing
	}{
		{name: Agent, starts: 1},
		{name: Webhook, starts: 1, during: (*interrupted).wantNoPods},
		{name: kubelet, starts: 2},
		{name: Containerd, starts: 2},
		{name: "kube-apiserver", starts: 1},
	} {
		t.Run(program.name, func(t *testing.T) {
			if testing.Short() && program.name != Agent {
				t.Skip("takes long")
			}
			i := newInterrupted(t)
			i.kill(program.name)
			if program.during != nil {
				program.during(i)
			}
			i.relaunch(program.name)
			i.finish(t, program.starts)
		})
	}
}

// kill kills a program, which is there again when the test ends.
func (s *space) kill(name string) {
	s.t.Helper()
	if err := s.Kill(s.t.Context(), name); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if s.t.Failed() && !s.runsNow(name) {
			if err := s.Relaunch(context.Background(), name); err != nil {
				s.t.Error(err)
			}
		}
	})
}

func (s *space) runsNow(name string) bool {
	if name == Containerd {
		return s.Daemon.PID() != 0
	}
	return s.find(name).cmd != nil
}

func (s *space) relaunch(name string) {
	s.t.Helper()
	if err := s.Relaunch(s.t.Context(), name); err != nil {
		s.t.Fatal(err)
	}
}

// wantNoPods checks that the API server refuses pods which it cannot ask the webhook
// about.
func (i *interrupted) wantNoPods() {
	i.t.Helper()
	_, err := i.CoreV1().Pods(i.name).Create(i.t.Context(), i.plain("late", harness.Bookend, polite, hooks(nil, sleep(0))), metav1.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "failed calling webhook") {
		i.t.Errorf("a pod without a webhook: %v, want a refusal", err)
	}
}

func TestEventsAreToldOnceByAnAgentThatIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	s := newHookedSpace(t, "gate")
	g := s.newGate("gate")
	failing := hooks(nil, shell(noteHost("pre-began")+"; "+waitAt("gate")+"; exit 7"))
	for _, name := range []string{"before", "while"} {
		s.create(s.plain(name, harness.Bookend, polite, failing))
		s.await(name, "the pod to be ready", ready)
	}
	uids := map[string]types.UID{"before": s.uid("before"), "while": s.uid("while")}
	end := func(name string) {
		s.kubectl("delete", "pod", name, "--wait=false")
		s.awaitNote(name, "pre-began")
		if _, err := g.fifo.WriteString("go\n"); err != nil {
			t.Fatal(err)
		}
		s.await(name, "the pod to go", gone)
	}
	end("before")
	s.wantTold(uids["before"], "FailedPreStopHook", "PreStopHook failed: exec: exit status 7")
	s.kill(Agent)
	end("while")
	if times, _ := s.told(uids["while"], "FailedPreStopHook"); times != 0 {
		t.Errorf("a dead agent has told of it %d times", times)
	}
	s.relaunch(Agent)
	s.wantTold(uids["while"], "FailedPreStopHook", "PreStopHook failed: exec: exit status 7")
	// What an agent has told it does not tell again: it has done so once it tells what is new.
	s.kill(Agent)
	s.relaunch(Agent)
	s.create(s.plain("after", harness.Bookend, polite, failing))
	s.await("after", "the pod to be ready", ready)
	uids["after"] = s.uid("after")
	end("after")
	for _, name := range []string{"after", "before", "while"} {
		s.wantTold(uids[name], "FailedPreStopHook", "PreStopHook failed: exec: exit status 7")
	}
}
