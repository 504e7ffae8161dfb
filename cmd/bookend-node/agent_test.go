package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"bookend.dev/bookend/cmd/bookend-node/internal/apitest"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

const (
	pods         = 200
	runsOfAPod   = 10 // one of which fails
	residentMost = 40 << 20
)

// agentNode is a node of a cluster, with a bookend-node that is built as for a
// release: the race detector and the test's own libraries would count.
type agentNode struct {
	t      *testing.T
	api    *apitest.Server
	dir    string
	binary string
	agent  *exec.Cmd
	log    *bytes.Buffer
	url    string
}

func newAgentNode(t *testing.T) *agentNode {
	n := &agentNode{t: t, dir: t.TempDir(), api: apitest.New()}
	t.Cleanup(n.api.Close)
	n.binary = filepath.Join(n.dir, "bookend-node")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", n.binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	kubeconfig := "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: %s}}]\ncontexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n"
	if err := os.WriteFile(filepath.Join(n.dir, "kubeconfig"), fmt.Appendf(nil, kubeconfig, n.api.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.kill)
	return n
}

// start starts the agent and waits until it serves.
func (n *agentNode) start() {
	n.t.Helper()
	log, w, err := os.Pipe()
	if err != nil {
		n.t.Fatal(err)
	}
	n.agent = exec.CommandContext(n.t.Context(), n.binary, "agent", "--records", filepath.Join(n.dir, "records"), "--state-dir", filepath.Join(n.dir, "state"),
		"--listen", "127.0.0.1:0", "--kubeconfig", filepath.Join(n.dir, "kubeconfig"), "--node-name", "n1")
	n.agent.Stderr = w
	err = n.agent.Start()
	w.Close()
	if err != nil {
		n.t.Fatal(err)
	}
	found := make(chan string, 1)
	n.log = &bytes.Buffer{}
	go func() { _, _ = io.Copy(io.MultiWriter(n.log, &finder{found: found}), log); close(found) }()
	address, ok := <-found
	if !ok {
		n.t.Fatalf("the agent ended: %s", n.log)
	}
	n.url = "http://" + address
}

// finder finds the address that is served in what is logged.
type finder struct {
	seen  []byte
	found chan<- string
}

var servedAt = regexp.MustCompile(`address=(\S+)`)

func (f *finder) Write(p []byte) (int, error) {
	if f.found != nil {
		f.seen = append(f.seen, p...)
		if m := servedAt.FindSubmatch(f.seen); m != nil {
			f.found <- string(m[1])
			f.found = nil
		}
	}
	return len(p), nil
}

// kill is SIGKILL.
func (n *agentNode) kill() {
	if n.agent != nil {
		_ = n.agent.Process.Kill()
		_ = n.agent.Wait()
		n.agent = nil
	}
}

func (n *agentNode) get(path string) (int, string) {
	resp, err := http.Get(n.url + path)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// sum is that of a metric over all its labels.
func (n *agentNode) sum(metric string) (total float64) {
	_, body := n.get("/metrics")
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, metric+"{") || strings.HasPrefix(line, metric+" ") {
			v, err := strconv.ParseFloat(strings.Fields(line)[len(strings.Fields(line))-1], 64)
			if err != nil {
				n.t.Fatal(err)
			}
			total += v
		}
	}
	return total
}

// until waits until something holds.
func (n *agentNode) until(what string, holds func() bool) {
	n.t.Helper()
	ctx, stop := context.WithTimeout(n.t.Context(), 2*time.Minute)
	defer stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			n.t.Fatalf("%s: not within two minutes; the agent said %s", what, n.log)
		}
	}
}

// resident is a field of /proc/PID/status, in bytes.
func (n *agentNode) resident(field string) int {
	n.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.agent.Process.Pid))
	if err != nil {
		n.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(data), field+":")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		n.t.Fatal(err)
	}
	return kib << 10
}

// fill writes what the hooks of all pods have left, as much as the default bounds let
// a node keep, as docs/records.md has it: a store writes nothing where the disk is busy.
func (n *agentNode) fill() {
	dir := filepath.Join(n.dir, "records", "records")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		n.t.Fatal(err)
	}
	output := bytes.Repeat([]byte("o"), 10<<10)
	begun := time.Now().Add(-10 * time.Minute)
	for pod := range pods {
		name := fmt.Sprintf("web-%d", pod)
		n.api.AddPod(corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)}})
		for run := range runsOfAPod {
			end := record.End{Outcome: hooks.Succeeded, Run: hooks.Succeeded, DurationSeconds: 1, Stdout: output}
			if run == 0 {
				end.Outcome, end.Run, end.Cause = hooks.Failed, hooks.Failed, hooks.CauseTimeout
			}
			r := record.Record{
				Version: record.Version,
				Subject: record.Subject{Namespace: "k8s.io", Container: name, Name: "main", Pod: name, PodNamespace: "shop", PodUID: name},
				Hook:    hooks.PreStop, Handler: hooks.HandlerExec, Attempt: 1, Started: begun.Add(time.Duration(run) * time.Second), End: end,
			}
			line, err := json.Marshal(r)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d-%08x.jsonl", r.Started.UnixNano(), pod)), append(line, '\n'), 0o600)
			}
			if err != nil {
				n.t.Fatal(err)
			}
		}
	}
}

func TestTheAgentIsSmall(t *testing.T) {
	n := newAgentNode(t)
	n.fill()
	n.start()
	n.until("all is counted and told", func() bool {
		return n.sum("bookend_hook_runs_total") == pods*runsOfAPod && len(n.api.Events()) == pods
	})
	if code, body := n.get("/readyz"); code != http.StatusOK {
		t.Errorf("/readyz: %d %s", code, body)
	}
	resident := n.resident("VmRSS")
	t.Logf("resident %d KiB, of which %d KiB are files, and at most %d KiB; Go's heap %.0f KiB of %.0f KiB",
		resident>>10, n.resident("RssFile")>>10, n.resident("VmHWM")>>10, n.sum("go_memstats_heap_inuse_bytes")/1024, n.sum("go_memstats_sys_bytes")/1024)
	if resident > residentMost {
		t.Errorf("%d KiB are resident, more than %d", resident>>10, residentMost>>10)
	}
	// Killed and started again it counts and tells nothing twice.
	n.kill()
	n.start()
	n.until("it is ready", func() bool { code, _ := n.get("/readyz"); return code == http.StatusOK })
	store := record.Open(filepath.Join(n.dir, "records"), record.Limits{})
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

func TestTheAgentNeedsTheNameOfItsNode(t *testing.T) {
	t.Setenv("NODE_NAME", "")
	var out bytes.Buffer
	if code := execute(t.Context(), []string{"agent"}, &out, &out); code != 1 || !strings.Contains(out.String(), "NODE_NAME") {
		t.Errorf("exit code %d: %s", code, &out)
	}
}
