package kube

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"bookend.dev/bookend/integration/harness"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

var manyPods = flag.Int("pods", 0, "measure so many pods with hooks on one node, by the kubelet and by bookend")

// manyTimeout bounds the start and the end of many pods.
const manyTimeout = 10 * time.Minute

// residentMost is what the agent may have in memory.
const residentMost = 40 << 20

// measure is what is measured of one way to run hooks.
type measure struct {
	ready, gone       time.Duration
	readyCPU, goneCPU map[string]time.Duration // by program
	events, failures  int
	resident          int // of the agent, bytes
}

func TestManyPods(t *testing.T) {
	if *manyPods == 0 {
		t.Skip("make kube-hundred runs it")
	}
	kubelets, bookends := measureMany(t, harness.Runc), measureMany(t, harness.Bookend)
	t.Logf("%d pods with a postStart, and a preStop that fails:\n%s", *manyPods, compared(kubelets, bookends))
	if kubelets.failures != *manyPods || bookends.failures != *manyPods {
		t.Errorf("%d Events of failed hooks by the kubelet, %d by bookend, want %d", kubelets.failures, bookends.failures, *manyPods)
	}
	if bookends.resident > residentMost {
		t.Errorf("the agent has %d KiB in memory, more than %d", bookends.resident>>10, residentMost>>10)
	}
}

// measureMany runs the pods of a Deployment in a class.
func measureMany(t *testing.T, class string) (m measure) {
	s := newHookedSpace(t)
	began, cpu := time.Now(), s.cpu()
	s.deployMany(class)
	m.ready, m.readyCPU = time.Since(began), since(cpu, s.cpu())
	pods := s.pods()

	began, cpu = time.Now(), s.cpu()
	s.kubectl("scale", "deployment/web", "--replicas=0")
	for _, pod := range pods {
		awaitMany(s, s.CoreV1().RESTClient(), "pods", pod, gone)
	}
	m.gone, m.goneCPU = time.Since(began), since(cpu, s.cpu())
	for _, pod := range pods {
		s.wantNotes(pod, "post", "pre", "term")
	}
	m.events, m.failures = s.countAll(len(pods))
	m.resident = resident(t, s.find(Agent).cmd.Process.Pid)
	return m
}

// deployMany creates the pods, and waits until all are ready.
func (s *space) deployMany(class string) {
	s.t.Helper()
	replicas, labels := int32(*manyPods), map[string]string{"app": "web"}
	pod := s.plain("web", class, "trap '"+noteHost("term")+"; exit 0' TERM; "+forever, hooks(shell(noteHost("post")), shell(noteHost("pre")+"; exit 7")))
	limit := int32(manyTimeout / time.Second)
	d := &appsv1.Deployment{ObjectMeta: pod.ObjectMeta, Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, ProgressDeadlineSeconds: &limit,
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod.Spec},
	}}
	if _, err := s.AppsV1().Deployments(s.name).Create(s.t.Context(), d, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	awaitMany(s, s.AppsV1().RESTClient(), "deployments", "web", func(d *appsv1.Deployment) error {
		if d == nil || d.Status.ReadyReplicas != replicas {
			return errors.New("not all of its pods are ready")
		}
		return nil
	})
}

// awaitMany is await for something that many pods take.
func awaitMany[T any, P object[T]](s *space, client rest.Interface, resource, name string, check func(P) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), harness.Limit(manyTimeout))
	defer cancel()
	if _, last, err := follow(ctx, client, resource, s.name, name, check); err != nil {
		s.t.Fatalf("wait for %s: %v: %v", name, err, last)
	}
}

// countAll counts Events, and among them those of failed hooks, of which it waits for
// so many.
func (s *space) countAll(failed int) (all, failures int) {
	s.t.Helper()
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "the Events", func() error {
		list, err := s.CoreV1().Events(s.name).List(s.t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		all, failures = 0, 0
		for _, e := range list.Items {
			times := int(max(1, e.Count))
			all += times
			if e.Reason == "FailedPreStopHook" {
				failures += times
			}
		}
		if failures < failed {
			return fmt.Errorf("%d tell of a failed hook", failures)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	return all, failures
}

// machineCPU is the processor time of all, in what cpu returns.
const machineCPU = "the whole machine"

// cpu is the processor time until now of the programs, and of the machine.
func (s *space) cpu() map[string]time.Duration {
	s.t.Helper()
	used := map[string]time.Duration{machineCPU: s.busy(), Containerd: s.used(s.Daemon.PID())}
	for _, p := range s.programs {
		used[p.name] = s.used(p.cmd.Process.Pid)
	}
	return used
}

// tick is the kernel's unit of processor time, USER_HZ.
const tick = 10 * time.Millisecond

// used is the processor time of a process.
func (s *space) used(pid int) time.Duration {
	s.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		s.t.Fatal(err)
	}
	// Fields 14 and 15; what is before the last parenthesis may hold spaces.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return s.ticks(fields[11]) + s.ticks(fields[12])
}

// busy is the processor time that was not idle.
func (s *space) busy() (total time.Duration) {
	s.t.Helper()
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		s.t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(stat), "\n") // cpu user nice system idle iowait irq softirq …
	for i, field := range strings.Fields(line)[1:8] {
		if i != 3 && i != 4 {
			total += s.ticks(field)
		}
	}
	return total
}

func (s *space) ticks(field string) time.Duration {
	s.t.Helper()
	n, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return time.Duration(n) * tick
}

func since(before, now map[string]time.Duration) map[string]time.Duration {
	spent := map[string]time.Duration{}
	for name := range now {
		spent[name] = now[name] - before[name]
	}
	return spent
}

// resident is what a process has in memory, in bytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(status), "VmRSS:")
	if !found {
		t.Fatal(errors.New("no VmRSS"))
	}
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// compared is the table that is printed.
func compared(kubelets, bookends measure) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(what string, theirs, ours any) { fmt.Fprintf(w, "%s\t%v\t%v\t\n", what, theirs, ours) }
	row("", "kubelet", "bookend")
	for _, part := range []struct {
		what         string
		theirs, ours time.Duration
		cpu, ourCPU  map[string]time.Duration
	}{
		{"until all are ready", kubelets.ready, bookends.ready, kubelets.readyCPU, bookends.readyCPU},
		{"until all have gone", kubelets.gone, bookends.gone, kubelets.goneCPU, bookends.goneCPU},
	} {
		row(part.what, part.theirs.Round(time.Millisecond), part.ours.Round(time.Millisecond))
		for _, name := range sortedKeys(part.cpu) {
			row("processor time of "+name, part.cpu[name], part.ourCPU[name])
		}
	}
	row("Events", kubelets.events, bookends.events)
	row("of them FailedPreStopHook", kubelets.failures, bookends.failures)
	row("the agent in memory, KiB", kubelets.resident>>10, bookends.resident>>10)
	_ = w.Flush()
	return out.String()
}
