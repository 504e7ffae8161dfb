package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

const (
	pods         = 200
	runsOfAPod   = 10 // one of which fails
	usersAtOnce  = 2
	residentMost = 40 << 20
)

// podNamed makes a pod with what pods of a cluster have: some 10 KiB of it.
func podNamed(name string) corev1.Pod {
	class := "bookend"
	pod := corev1.Pod{
		TypeMeta:   metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name), Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{NodeName: "n1", RuntimeClassName: &class, InitContainers: []corev1.Container{{Name: "prepare", Image: "registry.example/prepare:1"}}},
	}
	for c := range 3 {
		container := corev1.Container{Name: fmt.Sprintf("c%d", c), Image: "registry.example/web:1", Command: []string{"/bin/web", "--port=8080"}}
		for e := range 20 {
			container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", e), Value: strings.Repeat("v", 40)})
		}
		pod.Spec.Containers = append(pod.Spec.Containers, container)
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, ImageID: "sha256:" + strings.Repeat("0", 64), ContainerID: "containerd://" + name,
		})
	}
	for _, manager := range []string{"kube-controller-manager", "kubelet"} {
		fields := fmt.Sprintf(`{"f:spec":{%q:{}}}`, "f:"+strings.Repeat("field", 300))
		pod.ManagedFields = append(pod.ManagedFields, metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(fields)})
	}
	return pod
}

// fill makes the pods and what the hooks of all have left, as much as the default
// bounds let a node keep, as docs/records.md has it: a store writes nothing where the
// disk is busy.
func (n *agentNode) fill() {
	n.t.Helper()
	dir := n.file("records/records")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		n.t.Fatal(err)
	}
	output := bytes.Repeat([]byte("o"), 10<<10)
	begun := time.Now().Add(-10 * time.Minute)
	for pod := range pods {
		name := podOf(pod)
		n.api.AddPod(podNamed(name))
		for run := range runsOfAPod {
			end := record.End{Outcome: hooks.Succeeded, Run: hooks.Succeeded, DurationSeconds: 1, Stdout: output}
			if run == 0 {
				end.Outcome, end.Run, end.Cause = hooks.Failed, hooks.Failed, hooks.CauseTimeout
			}
			r := record.Record{
				Version: record.Version,
				Subject: record.Subject{Namespace: "k8s.io", Container: name, Name: "main", Pod: name, PodNamespace: "shop", PodUID: name},
				Hook:    hooks.PreStop, Handler: hooks.HandlerExec, Attempt: 1, Started: begun.Add(time.Duration(run) * time.Second),
			}
			first, err := json.Marshal(r)
			last, errLast := json.Marshal(end)
			if err = errors.Join(err, errLast); err == nil {
				err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d-%08x.jsonl", r.Started.UnixNano(), pod)), fmt.Appendf(nil, "%s\n%s\n", first, last), 0o600)
			}
			if err != nil {
				n.t.Fatal(err)
			}
		}
	}
}

func podOf(number int) string { return fmt.Sprintf("web-%d", number) }

// lookAtAll has users look at every pod.
func (n *agentNode) lookAtAll() {
	n.t.Helper()
	var users errgroup.Group
	users.SetLimit(usersAtOnce)
	for pod := range pods {
		users.Go(func() error {
			for subresource, want := range map[string]int{hooksapi.SubresourceHooks: 0, hooksapi.SubresourceLog: runsOfAPod} {
				code, body, err := n.look(podOf(pod), subresource)
				if err != nil {
					return err
				}
				if got := strings.Count(body, `"stdout":`); code != http.StatusOK || got != want {
					return fmt.Errorf("%s of pod %d: status %d, %d of %d records: %.500s", subresource, pod, code, got, want, body)
				}
			}
			return nil
		})
	}
	if err := users.Wait(); err != nil {
		n.t.Error(err)
	}
}

func TestTheAgentIsSmall(t *testing.T) {
	n := newAgentNode(t)
	n.fill()
	n.start()
	n.until("all is counted, told and sent", func() bool {
		return n.sum("bookend_hook_runs_total") == pods*runsOfAPod && len(n.api.Events()) == pods && n.spans.Load() == pods*runsOfAPod
	})
	n.until("it is ready", func() bool { code, _ := n.get("/readyz"); return code == http.StatusOK })
	n.wantSmall("all is told")
	n.lookAtAll()
	n.wantSmall("users have looked at all pods")
	// Killed and started again it counts and tells nothing twice.
	n.kill()
	n.start()
	n.until("it is ready", func() bool { code, _ := n.get("/readyz"); return code == http.StatusOK })
	store := record.Open(n.file("records"), record.Limits{})
	store.Begin(record.Record{Subject: record.Subject{Namespace: "k8s.io", Container: "web-0", Name: "main", Pod: "web-0", PodNamespace: "shop", PodUID: "web-0"},
		Hook: hooks.PreStop, Handler: hooks.HandlerExec, Attempt: 1, Started: time.Now()}).End(record.End{Outcome: hooks.TimedOut, Run: hooks.TimedOut})
	n.until("what is new is counted", func() bool { return n.sum("bookend_hook_runs_total") == 1 && n.sum("bookend_events_total") == 1 })
	for _, ev := range n.api.Events() {
		if want := map[bool]int32{true: 2, false: 1}[ev.InvolvedObject.Name == "web-0"]; ev.Count != want {
			t.Errorf("the event of %s counts %d, want %d", ev.InvolvedObject.Name, ev.Count, want)
		}
	}
	if err := n.agent.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := n.agent.Wait(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
	n.agent = nil
}

// wantSmall compares what is resident now with the bound, and prints it.
func (n *agentNode) wantSmall(when string) {
	n.t.Helper()
	resident := n.resident("VmRSS")
	n.t.Logf("%s: resident %d KiB, of which %d KiB are files, and at most %d KiB; Go's heap %.0f KiB of %.0f KiB", when,
		resident>>10, n.resident("RssFile")>>10, n.resident("VmHWM")>>10, n.sum("go_memstats_heap_inuse_bytes")/1024, n.sum("go_memstats_sys_bytes")/1024)
	if resident > residentMost {
		n.t.Errorf("%s: %d KiB are resident, more than %d", when, resident>>10, residentMost>>10)
	}
}

// The API server does not tell yet whom request headers come from. All else is ready.
func TestTheAgentIsReadyWhenItsAPIIs(t *testing.T) {
	n := newAgentNode(t)
	n.api.Before(func(r *http.Request) *apierrors.StatusError {
		if strings.HasSuffix(r.URL.Path, "/configmaps") {
			return apierrors.NewServiceUnavailable("not yet")
		}
		return nil
	})
	n.start()
	var code int
	var why string
	n.until("the API alone is not ready", func() bool {
		code, why = n.get("/readyz")
		return code == http.StatusServiceUnavailable && !strings.Contains(why, errUnread.Error())
	})
	if !strings.HasPrefix(why, "the API hooks.bookend.dev: ") || strings.Count(why, "\n") != 1 {
		t.Errorf("/readyz: %d %s", code, why)
	}
	n.api.Before(nil)
	n.until("it is ready", func() bool { code, _ := n.get("/readyz"); return code == http.StatusOK })
	n.api.AddPod(podNamed("web-0"))
	if code, body, err := n.look("web-0", hooksapi.SubresourceHooks); code != http.StatusOK || err != nil {
		t.Errorf("the agent says it is ready, and answers %d %s, %v", code, body, err)
	}
}

func TestTheAgentNeedsTheNameOfItsNode(t *testing.T) {
	t.Setenv("NODE_NAME", "")
	var out bytes.Buffer
	if code := execute(t.Context(), []string{"agent"}, &out, &out); code != 1 || !strings.Contains(out.String(), "NODE_NAME") {
		t.Errorf("exit code %d: %s", code, &out)
	}
}

// What an agent links it holds in memory, to a part: package kubeclient says why it has a
// client of its own.
func TestTheAgentLinksNoMoreThanItUses(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for linked := range strings.Lines(string(out)) {
		for _, large := range []string{
			"k8s.io/client-go/kubernetes/", "k8s.io/client-go/informers", "k8s.io/client-go/applyconfigurations",
			"sigs.k8s.io/controller-runtime/", "k8s.io/apiserver/pkg/server", "github.com/google/cel-go",
		} {
			if strings.HasPrefix(linked, large) {
				t.Errorf("bookend-node links %s", strings.TrimSpace(linked))
			}
		}
	}
}
