package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// noon is when the node of these tests has its hooks.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

var (
	restarted = record.Subject{Namespace: "k8s.io", Container: strings.Repeat("3f1c9a2b7d10e4a5", 4), Name: "nginx", Pod: "web", PodNamespace: "default"}
	nginx     = record.Subject{Namespace: "k8s.io", Container: strings.Repeat("9c41d0aa6be23157", 4), Name: "nginx", Pod: "web", PodNamespace: "default"}
	redis     = record.Subject{Namespace: "k8s.io", Container: strings.Repeat("9c77f2ab015cd4e9", 4), Name: "redis", Pod: "cache", PodNamespace: "default"}
	plain     = record.Subject{Namespace: "default", Container: "batch"}
)

// newNode makes the records and statuses of a node.
func newNode(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s := record.Open(dir, record.Limits{MaxAge: 1 << 62})
	s.Log = func(err error) { t.Error(err) }
	three, zero := 3, 0
	for i, r := range []record.Record{
		{Subject: restarted, Hook: hooks.PostStart, Handler: "exec", Attempt: 1, End: record.End{
			Outcome: hooks.Failed, DurationSeconds: 0.0361, Cause: hooks.CauseExitCode, ExitCode: &three, Runner: "joiner",
			Detail: "hook process exited with status 3", Stdout: []byte("migrating\n"), Stderr: []byte("no \x1b[31mdatabase\x1b[0m\n"),
		}},
		{Subject: nginx, Hook: hooks.PostStart, Handler: "exec", Attempt: 1, End: record.End{
			Outcome: hooks.Succeeded, DurationSeconds: 0.0522, ExitCode: &zero, Stdout: []byte("migrated\n"),
		}},
		{Subject: plain, Hook: hooks.PreStop, Handler: "httpGet", Attempt: 2, End: record.End{
			Outcome: hooks.Failed, DurationSeconds: 1.5, Cause: hooks.CauseUnexpectedStatus, HTTPStatus: 503,
		}},
		{Subject: redis, Hook: hooks.PreStop, Handler: "exec", Attempt: 1, End: record.End{
			Outcome: hooks.TimedOut, DurationSeconds: 30.002, Cause: hooks.CauseTimeout, Stdout: []byte("saving\n"),
		}},
		{Subject: nginx, Hook: hooks.PreStop, Handler: "sleep", Attempt: 1, End: record.End{Outcome: hooks.Cancelled, DurationSeconds: 2, Cause: hooks.CauseCancelled}},
	} {
		r.Started = noon.Add(time.Duration(i) * time.Minute)
		s.Begin(r).End(r.End)
	}
	dead := filepath.Join(dir, "records", recordFile(t, dir))
	text, err := os.ReadFile(dead)
	if err != nil {
		t.Fatal(err)
	}
	// One whose shim died: nothing but its first line.
	first, _, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(dead, []byte(strings.ReplaceAll(first, `"attempt":1`, `"attempt":9`)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Post(record.Status{Subject: nginx, Phase: "running", PostStart: "exec", PreStop: "sleep"})
	awaitStatus(t, s)
	return dir
}

// awaitStatus waits for a status, which is written a moment after it was posted.
func awaitStatus(t *testing.T, s *record.Store) {
	t.Helper()
	limit, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		all, _, err := s.Statuses()
		if err != nil {
			t.Fatal(err)
		}
		if len(all) > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("there is no status")
		}
	}
}

// recordFile is the name of the last record.
func recordFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(dir, "records"))
	if err != nil || len(files) != 5 {
		t.Fatalf("records %v, %v", files, err)
	}
	return files[len(files)-1].Name()
}

func TestWhatIsShownOfANode(t *testing.T) {
	dir := newNode(t)
	for name, args := range map[string]string{
		"ps":               "ps",
		"history":          "history",
		"history-no-trunc": "history --no-trunc --limit 2",
		"history-filtered": "history --outcome failed --outcome TimedOut --since 2026-03-04T12:01:00Z --until 2026-03-04 --until 2026-03-05",
		"history-nothing":  "history -n moby",
		"history-one":      "history --container web/nginx --limit 1",
		"history-json":     "history --hook postStart -o json",
		"logs-name":        "logs web/nginx",
		"logs-prefix":      "logs 9c77",
		"logs-hook":        "logs web/nginx --hook preStop",
		"logs-raw":         "logs web/nginx --raw",
		"logs-json":        "logs 3f1c -o json",
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, "", append(strings.Fields(args), "--records", dir)...)
			if code != ExitOK || errs != "" {
				t.Errorf("exit code %d, stderr %q", code, errs)
			}
			wantGolden(t, name, maskIDs(t, dir, out))
		})
	}
}

// maskIDs replaces the ids of records, which are never the same.
func maskIDs(t *testing.T, dir, text string) string {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(dir, "records"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text = strings.ReplaceAll(text, strings.TrimSuffix(f.Name(), ".jsonl"), "RECORD")
	}
	return text
}

func TestAnUndeliveredStopIsShown(t *testing.T) {
	dir := newNode(t)
	s := record.Open(dir, record.Limits{MaxAge: 1 << 62})
	stop := s.Begin(record.Record{
		Kind: record.Stop, Subject: nginx, StopSignal: "SIGTERM", Started: time.Now().Add(-time.Minute), End: record.End{Detail: "no runc"},
	})
	shows := func(args, want string) {
		t.Helper()
		code, out, errs := run(t, "", append(strings.Fields(args), "--records", dir)...)
		if code != ExitOK || errs != "" || !strings.Contains(out, want) {
			t.Errorf("%s: exit code %d, %s%s\nwant %q", args, code, out, errs, want)
		}
	}
	shows("history --hook Stop --outcome undelivered", "   web/nginx   stop   -         -         Undelivered   SIGTERM   1m0")
	shows("history -o json --hook stop", `"kind": "stop"`)
	shows("logs web/nginx --hook stop", " stop of web/nginx 9c41d0aa6be2: Undelivered, SIGTERM\ndetail: no runc\n")
	stop.End(record.End{Delivery: record.Delivered, DurationSeconds: 61})
	shows("history -o json --hook stop --outcome delivered", `"outcome": "Delivered"`)
	shows("logs web/nginx", " stop of web/nginx 9c41d0aa6be2: Delivered, SIGTERM, after 1m1s\ndetail: no runc\n")
}

func TestHistoryUntilADayIncludesIt(t *testing.T) {
	dir := newNode(t)
	_, want, _ := run(t, "", "history", "--records", dir)
	if code, out, errs := run(t, "", "history", "--since", "2026-03-04", "--until", "2026-03-04", "--records", dir); code != ExitOK || out != want || errs != "" {
		t.Errorf("exit code %d, %s%s\nwant %s", code, out, errs, want)
	}
}

func TestWhatCannotBeShown(t *testing.T) {
	dir := newNode(t)
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"logs nobody":                 {ExitFailed, "bookend: nobody: no container with hooks has this id or name in " + dir + "\n"},
		"logs batch -n k8s.io":        {ExitFailed, "bookend: batch: no container with hooks has this id or name in " + dir + "\n"},
		"logs 9c":                     {ExitFailed, "bookend: 9c: 2 containers go by this:\n  k8s.io  " + redis.Container + "  default/cache/redis\n  k8s.io  " + nginx.Container + "  default/web/nginx\n"},
		"logs":                        {ExitUsage, "bookend: name one container: its id, name or pod/name\n"},
		"logs batch --hook preStart":  {ExitUsage, `bookend: invalid argument "preStart" for "--hook" flag: must be one of postStart, preStop, stop` + "\n"},
		"history --since yesterday":   {ExitUsage, `bookend: --since: must be a duration before now, such as 90m, or a time, such as 2006-01-02T15:04:05Z or 2006-01-02, got "yesterday"` + "\n"},
		"history --outcome Exploded":  {ExitUsage, `bookend: invalid argument "Exploded" for "--outcome" flag: must be one of Succeeded, Failed, TimedOut, Cancelled, Unknown, Running, Undelivered, Delivered, Ended` + "\n"},
		"history --limit -1":          {ExitUsage, "bookend: --limit: must be 0 or more, got -1\n"},
		"ps more":                     {ExitUsage, `bookend: unknown command "more" for "bookend ps"` + "\n"},
		"events --address /none.sock": {ExitFailed, "bookend: containerd: dial unix /none.sock: connect: no such file or directory\n"},
	} {
		fields := strings.Fields(args)
		if fields[0] != "events" {
			fields = append(fields, "--records", dir)
		}
		code, out, errs := run(t, "", fields...)
		if want.code == ExitUsage {
			want.says += "See bookend " + fields[0] + " --help\n"
		}
		if code != want.code || errs != want.says || out != "" {
			t.Errorf("%s: exit code %d, stdout %q, stderr\n%s\nwant %d and\n%s", args, code, out, errs, want.code, want.says)
		}
	}
}

func TestANodeWithoutRecordsHasNone(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(config, []byte("[records]\ndirectory = '"+config+".none'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"ps": "NAMESPACE   ID   POD/NAME   PHASE   HOOK   ELAPSED   DEADLINE\n", "ps -o json": "[]\n",
		"history": "TIME   NAMESPACE   CONTAINER   POD/NAME   HOOK   HANDLER   ATTEMPT   OUTCOME   CAUSE   DURATION\n", "history -o json": "[]\n",
	} {
		code, out, errs := run(t, "", append(strings.Fields(args), "--config", config)...)
		if code != ExitOK || out != want || errs != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %q", args, code, out, errs, want)
		}
	}
}

func TestADirectoryThatIsNamedHasToBeThere(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	file := none + ".file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"ps", "ps -o json", "history", "history -o json", "logs web"} {
		for dir, want := range map[string]string{none: "no such file or directory", file: "not a directory"} {
			code, out, errs := run(t, "", append(strings.Fields(args), "--records", dir)...)
			if want := "bookend: --records: " + dir + ": " + want + "\n"; code != ExitFailed || out != "" || errs != want {
				t.Errorf("%s: exit code %d, %q, %q; want %q", args, code, out, errs, want)
			}
		}
	}
	code, out, errs := run(t, "", "__complete", "logs", "--records", none, "")
	if code != ExitOK || !strings.HasPrefix(out, ":") {
		t.Errorf("completion: exit code %d, %q, %q", code, out, errs)
	}
}

func TestRecordsThatCannotBeReadAreAnError(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"records", "containers"} { // as good as forbidden, for root too
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range []string{"ps", "history", "logs web"} {
		code, out, errs := run(t, "", append(strings.Fields(args), "--records", dir)...)
		if code != ExitFailed || out != "" || !strings.HasPrefix(errs, "bookend: ") || !strings.Contains(errs, "not a directory") {
			t.Errorf("%s: exit code %d, %q, %q", args, code, out, errs)
		}
	}
}

func TestForeignFilesArePassedOver(t *testing.T) {
	dir := newNode(t)
	last := filepath.Join(dir, "records", recordFile(t, dir))
	if err := os.WriteFile(last, []byte("\x1b[2J\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := run(t, "", "history", "--records", dir)
	if code != ExitOK || strings.Count(out, "\n") != 5 || !strings.HasPrefix(errs, "bookend: 1 unreadable files among the records were passed over, such as "+last+": not a record") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
}

func TestRecordsAreWhereTheConfigurationSays(t *testing.T) {
	dir := newNode(t)
	config := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(config, []byte("[records]\ndirectory = '"+dir+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, want, _ := run(t, "", "history", "--records", dir)
	if code, out, errs := run(t, "", "history", "--config", config); code != ExitOK || out != want {
		t.Errorf("--config: exit code %d, %s%s", code, out, errs)
	}
	t.Setenv(hooks.ConfigEnv, config)
	if code, out, errs := run(t, "", "history"); code != ExitOK || out != want {
		t.Errorf("environment: exit code %d, %s%s", code, out, errs)
	}
	if code, _, errs := run(t, "", "history", "--config", config+".none"); code != ExitFailed || !strings.Contains(errs, "no such file or directory") {
		t.Errorf("a configuration that is not there: exit code %d, %s", code, errs)
	}
	if err := os.WriteFile(config, []byte("[records]\ndirectory = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, "", "history", "--config", config); code != ExitFailed || !strings.Contains(errs, "records.directory: must be a string") {
		t.Errorf("an invalid one: exit code %d, %s", code, errs)
	}
}

func TestContainersAreCompleted(t *testing.T) {
	dir := newNode(t)
	for _, args := range []string{"logs --records " + dir + " ", "history --records " + dir + " --container "} {
		code, out, _ := run(t, "", append([]string{"__complete"}, strings.Split(args, " ")...)...)
		for _, want := range []string{"web/nginx\n", "cache/redis\n", "batch\n", nginx.Container + "\n"} {
			if code != ExitOK || strings.Count(out, want) != 1 {
				t.Errorf("%s: exit code %d, %q not once in %q", args, code, want, out)
			}
		}
	}
}
