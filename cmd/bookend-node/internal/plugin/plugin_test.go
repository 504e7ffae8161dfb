package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// TestMain has times printed as of Greenwich.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	m.Run()
}

// kubeconfig is a file that leads to an API server with these answers, by path. Its
// namespace is shop.
func kubeconfig(t *testing.T, answers map[string]http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	for path, answer := range answers {
		mux.HandleFunc("GET "+path, answer)
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	file := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c","clusters":[{"name":"c","cluster":{"server":%q}}],
		"contexts":[{"name":"c","context":{"cluster":"c","namespace":"shop"}}]}`, srv.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func run(t *testing.T, config string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Execute(t.Context(), "1", append(args, "--kubeconfig", config), Streams{&o, &e})
	return code, o.String(), e.String()
}

func answer(v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if st, ok := v.(metav1.Status); ok {
			st.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
			v = st
			w.WriteHeader(int(st.Code))
		}
		_ = json.NewEncoder(w).Encode(v)
	}
}

func logOf(lines ...hooksapi.LogLine) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, l := range lines {
			if l.Record != nil && r.URL.Query().Get(hooksapi.ParamOutput) == "false" {
				l.Record.Stdout = nil
			}
			_ = json.NewEncoder(w).Encode(l)
		}
	}
}

var about = hooksapi.About{Node: "node-a", Now: noon.Add(time.Minute), RuntimeClassName: "bookend"}

func headLine() hooksapi.LogLine { return hooksapi.LogLine{Head: &about} }

// ran is a line of an attempt.
func ran(id, container string, outcome hooks.Outcome, stdout string) hooksapi.LogLine {
	r := record.Record{
		ID: id, Running: outcome == "", Version: 1, Hook: hooks.PostStart, Handler: "exec", Attempt: 1, Started: noon,
		Subject: record.Subject{Namespace: "k8s.io", Container: id, Name: container, Pod: "web", PodNamespace: "shop"},
		End:     record.End{Outcome: outcome, Stdout: []byte(stdout), DurationSeconds: 0.5},
	}
	if outcome == "" {
		r.DurationSeconds = 0
	}
	return hooksapi.LogLine{Record: hooksapi.NewRecord(r)}
}

func path(sub string) string { return hooksapi.Path("shop", "web", sub) }

func TestPSPrintsWhatTheNodeWould(t *testing.T) {
	started := noon
	config := kubeconfig(t, map[string]http.HandlerFunc{path("hooks"): answer(hooksapi.PodHooks{About: about, Containers: []record.Status{
		{Subject: record.Subject{Namespace: "k8s.io", Container: "c2", Name: "main", Pod: "web"}, Phase: "preStop", PreStop: "exec", Hook: hooks.PreStop, Started: &started},
		{Subject: record.Subject{Namespace: "k8s.io", Container: "c1", Name: "db", Pod: "web"}, Phase: "running", PreStop: "sleep"},
	}})})
	const header = "NAMESPACE   ID   POD/NAME   PHASE     HOOK             ELAPSED   DEADLINE\n"
	for args, want := range map[string]string{
		"ps web":                 header + "k8s.io      c1   web/db     running   -                -         -\nk8s.io      c2   web/main   preStop   preStop (exec)   1m0s      -\n",
		"ps pod/web -c db":       "NAMESPACE   ID   POD/NAME   PHASE     HOOK   ELAPSED   DEADLINE\nk8s.io      c1   web/db     running   -      -         -\n",
		"ps web -n shop -c main": header + "k8s.io      c2   web/main   preStop   preStop (exec)   1m0s      -\n",
	} {
		code, out, errs := run(t, config, strings.Fields(args)...)
		if code != ExitOK || out != want || errs != "" {
			t.Errorf("%s: exit code %d, %s\ngot\n%swant\n%s", args, code, errs, out, want)
		}
	}
	code, out, _ := run(t, config, "ps", "web", "-o", "json")
	if code != ExitOK || !strings.Contains(out, `"elapsedSeconds": 60`) {
		t.Errorf("exit code %d, %s", code, out)
	}
}

func TestLogsPrintWhatTheNodeWould(t *testing.T) {
	config := kubeconfig(t, map[string]http.HandlerFunc{path("log"): logOf(
		headLine(), ran("1", "main", hooks.Failed, "one\x1b[2J\n"), hooksapi.LogLine{}, ran("2", "db", hooks.Succeeded, "two\n"), hooksapi.LogLine{Omitted: 7},
	)})
	const first = "=== 2026-03-04 12:00:00.000 postStart (exec) attempt 1 of web/main 1: Failed, after 500ms\nstdout: one\x1b[2J\n"
	const second = "=== 2026-03-04 12:00:00.000 postStart (exec) attempt 1 of web/db 2: Succeeded, after 500ms\nstdout: two\n"
	for args, want := range map[string]string{
		"logs web": first + second, "logs web -c db": second, "logs web --raw": "one\x1b[2J\ntwo\n", "logs web --hook preStop": "",
	} {
		code, out, errs := run(t, config, strings.Fields(args)...)
		if code != ExitOK || out != want || !strings.HasPrefix(errs, "note: 7 older records are left out: ") {
			t.Errorf("%s: exit code %d, %s\ngot\n%q\nwant\n%q", args, code, errs, out, want)
		}
	}
	code, out, _ := run(t, config, "logs", "web", "-o", "json")
	var all []struct{ ID, Outcome, Stdout string }
	if err := json.Unmarshal([]byte(out), &all); code != ExitOK || err != nil || len(all) != 2 || all[1].ID != "2" || all[1].Stdout != "dHdvCg==" {
		t.Errorf("exit code %d, %v, %s", code, err, out)
	}
}

func TestHistoryPrintsWhatTheNodeWould(t *testing.T) {
	config := kubeconfig(t, map[string]http.HandlerFunc{path("log"): logOf(headLine(), ran("1", "main", hooks.Failed, "secret"), ran("2", "main", "", ""), ran("3", "db", hooks.Succeeded, ""))})
	const header = "TIME                  NAMESPACE   CONTAINER   POD/NAME   HOOK        HANDLER   ATTEMPT   OUTCOME   CAUSE   DURATION\n"
	const first = "2026-03-04 12:00:00   k8s.io      1           web/main   postStart   exec      1         Failed    -       500ms\n"
	const second = "2026-03-04 12:00:00   k8s.io      2           web/main   postStart   exec      1         Running   -       1m0s\n"
	for args, want := range map[string]string{"history web -c main": header + first + second, "history web -c main --limit 1": header + second, "history web --outcome running": header + second} {
		code, out, errs := run(t, config, strings.Fields(args)...)
		if code != ExitOK || out != want || errs != "" {
			t.Errorf("%s: exit code %d, %s\ngot\n%swant\n%s", args, code, errs, out, want)
		}
	}
	if _, out, _ := run(t, config, "history", "web", "-o", "json"); strings.Contains(out, "stdout") || !strings.Contains(out, `"outcome": "Running"`) {
		t.Error(out)
	}
}

func TestErrorsTellWhatToDo(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	forbidden := apierrors.NewForbidden(pods, "web", fmt.Errorf("no"))
	for says, tt := range map[string]http.HandlerFunc{
		`pods "web" not found in namespace shop`:                              answer(apierrors.NewNotFound(pods, "web").Status()),
		"install bookend's agent, or see kubectl get apiservice v1":           http.NotFound,
		"see kubectl auth can-i get pods --subresource=log -n shop":           answer(forbidden.Status()),
		"lacks the ClusterRole of bookend":                                    answer(apierrors.NewForbidden(schema.GroupResource{Group: hooksapi.Group, Resource: "pods/log"}, "web", fmt.Errorf("no")).Status()),
		"no agent of bookend-node is ready there: see kubectl get apiservice": answer(apierrors.NewServiceUnavailable("the pod is on node n: no agent of bookend-node is ready there").Status()),
		"currently unable to handle the request": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		},
		"log in to the cluster":    answer(apierrors.NewUnauthorized("who?").Status()),
		`bad\x1b[2J`:               answer(apierrors.NewBadRequest("bad\x1b[2J").Status()),
		"the node's agent: cannot": logOf(headLine(), hooksapi.LogLine{Error: "cannot"}),
		"the log has been cut off": func(w http.ResponseWriter, r *http.Request) { logOf(headLine())(w, r); fmt.Fprint(w, `{"rec`) },
	} {
		config := kubeconfig(t, map[string]http.HandlerFunc{path("log"): tt})
		for _, args := range []string{"history web", "logs web", "logs web -f"} {
			if strings.Contains(says, "cut off") && strings.HasSuffix(args, "-f") {
				continue // it is read anew
			}
			code, out, errs := run(t, config, strings.Fields(args)...)
			if code != ExitFailed || out != "" && args != "logs web" || !strings.HasPrefix(errs, "error: ") || !strings.Contains(errs, says) {
				t.Errorf("%s: exit code %d, %q, %q; want %q", args, code, out, errs, says)
			}
		}
	}
}

func TestAPodWithoutHooksIsExplained(t *testing.T) {
	plain := about
	plain.RuntimeClassName = ""
	config := kubeconfig(t, map[string]http.HandlerFunc{
		path("hooks"): answer(hooksapi.PodHooks{About: plain}), path("log"): logOf(hooksapi.LogLine{Head: &plain}),
	})
	for _, args := range []string{"ps web", "logs web", "history web"} {
		code, _, errs := run(t, config, strings.Fields(args)...)
		if code != ExitOK || !strings.HasPrefix(errs, "note: node node-a knows of no ") || !strings.Contains(errs, "has no runtimeClassName") {
			t.Errorf("%s: exit code %d, %s", args, code, errs)
		}
	}
}

func TestMistakesOfUsage(t *testing.T) {
	config := kubeconfig(t, nil)
	for _, args := range []string{"logs", "ps a b", "history", "logs ../x", "logs Web", "nonsense", "logs web --hook x", "history web --since yesterday", "history web --limit -1", "ps web -o yaml", "--none"} {
		code, out, errs := run(t, config, strings.Fields(args)...)
		if code != ExitUsage || out != "" || !strings.HasPrefix(errs, "error: ") || !strings.Contains(errs, "See 'kubectl bookend") {
			t.Errorf("%s: exit code %d, %q, %q", args, code, out, errs)
		}
	}
}

func TestPodsAreCompleted(t *testing.T) {
	list := metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{Kind: "PartialObjectMetadataList", APIVersion: "meta.k8s.io/v1"}}
	for _, name := range []string{"web-0", "web-1"} {
		list.Items = append(list.Items, metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{Kind: "PartialObjectMetadata", APIVersion: "meta.k8s.io/v1"}, ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	config := kubeconfig(t, map[string]http.HandlerFunc{"/api/v1/namespaces/shop/pods": answer(list)})
	for _, cmd := range []string{"ps", "logs", "history"} {
		var out bytes.Buffer
		code := Execute(t.Context(), "1", []string{"__complete", cmd, "--kubeconfig", config, ""}, Streams{&out, io.Discard})
		if code != ExitOK || !strings.HasPrefix(out.String(), "web-0\nweb-1\n") {
			t.Errorf("%s: exit code %d, %s", cmd, code, &out)
		}
	}
}

// lockedBuffer is what a command that goes on prints on.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// An agent restarts in a rolling update, and ends a log after an hour: the reader
// notices nothing, and reads each record once.
func TestAFollowedLogIsReadAnew(t *testing.T) {
	calls := make(chan int, 10)
	calls <- 1
	config := kubeconfig(t, map[string]http.HandlerFunc{path("log"): func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get(hooksapi.ParamFollow) != "true" {
			t.Errorf("asked %s", r.URL)
		}
		n := <-calls
		calls <- n + 1
		switch n {
		case 1: // ends
			logOf(headLine(), ran("1", "main", "", ""))(w, r)
		case 2: // breaks off
			logOf(headLine(), ran("1", "main", hooks.Succeeded, "one\n"))(w, r)
			fmt.Fprint(w, `{"rec`)
		case 3: // is away
			http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		case 4:
			logOf(headLine(), ran("1", "main", hooks.Succeeded, "one\n"), ran("2", "main", hooks.Succeeded, "two\n"))(w, r)
		default:
			answer(apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "web").Status())(w, r)
		}
	}})
	const title = "=== 2026-03-04 12:00:00.000 postStart (exec) attempt 1 of web/main "
	code, out, errs := run(t, config, "logs", "web", "-f")
	want := title + "1: Running\n" + title + "1: Succeeded, after 500ms\nstdout: one\n" + title + "2: Succeeded, after 500ms\nstdout: two\n"
	if code != ExitOK || out != want || errs != "note: the pod is gone\n" {
		t.Errorf("exit code %d, %s\ngot\n%s\nwant\n%s", code, errs, out, want)
	}
	<-calls
	calls <- 1
	code, out, _ = run(t, config, "logs", "web", "-f", "-o", "json")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); code != ExitOK || len(lines) != 3 || !strings.Contains(lines[0], `"Running"`) || !strings.Contains(lines[2], `"id":"2"`) {
		t.Errorf("exit code %d, %s", code, out)
	}
}

func TestAFollowedLogEndsWhenInterrupted(t *testing.T) {
	config := kubeconfig(t, map[string]http.HandlerFunc{path("log"): func(w http.ResponseWriter, r *http.Request) {
		logOf(headLine(), ran("1", "main", hooks.Succeeded, "one\n"))(w, r)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs lockedBuffer
	code := make(chan int)
	go func() {
		code <- Execute(ctx, "1", []string{"logs", "web", "-f", "--raw", "--kubeconfig", config}, Streams{&out, &errs})
	}()
	late, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for out.String() != "one\n" {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("printed %q, %q", out.String(), errs.String())
		}
	}
	cancel()
	if got := <-code; got != ExitOK || errs.String() != "" {
		t.Errorf("exit code %d, %s", got, errs.String())
	}
}
