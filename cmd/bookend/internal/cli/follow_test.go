package cli

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// paper is what a command that runs prints on.
type paper struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

// take returns what was printed since the last time.
func (p *paper) take() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.text.Reset()
	return p.text.String()
}

// following runs a command that goes on, in a bubble with a clock of its own.
// news is called to see what it prints by the next time that it looks.
func following(t *testing.T, dir string, args string, test func(s *record.Store, news func() string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var out, errs paper
		code := make(chan int, 1)
		go func() {
			code <- Execute(ctx, append(strings.Fields(args), "--records", dir), Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		}()
		s := record.Open(dir, record.Limits{MaxAge: 1 << 62})
		test(s, func() string {
			flushed(s)
			<-time.After(2 * watchInterval) // of the bubble's clock
			synctest.Wait()
			return out.take()
		})
		cancel()
		if c := <-code; c != ExitOK || errs.take() != "" {
			t.Errorf("interrupted: exit code %d, stderr %q", c, errs.take())
		}
	})
}

// flushed waits for what was written, and for the pruning that follows.
func flushed(s *record.Store) {
	s.Remove(record.Subject{Namespace: "nobody", Container: "none"})
}

func TestPSWatchPrintsWhatChanges(t *testing.T) {
	following(t, t.TempDir(), "ps --watch", func(s *record.Store, news func() string) {
		const header = "NAMESPACE   ID      POD/NAME   PHASE       HOOK               ELAPSED   DEADLINE\n"
		if got := news(); got != "NAMESPACE   ID   POD/NAME   PHASE   HOOK   ELAPSED   DEADLINE\n" {
			t.Errorf("at first: %q", got)
		}
		started := time.Now()
		deadline := started.Add(100 * time.Second)
		st := record.Status{Subject: plain, Phase: "postStart", PostStart: "exec", Hook: hooks.PostStart, Started: &started, Deadline: &deadline}
		s.Post(st)
		if got, want := news(), "\n"+header+"default     batch   -          postStart   postStart (exec)   0s        in 1m39s\n"; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		if got := news(); got != "" {
			t.Errorf("though only time has passed: %q", got)
		}
		st = record.Status{Subject: plain, Phase: "running", PostStart: "exec"}
		s.Post(st)
		if got := news(); !strings.Contains(got, "default     batch   -          running   -      -         -\n") {
			t.Errorf("running: %q", got)
		}
		s.Remove(plain)
		if got := news(); got != "\nNAMESPACE   ID   POD/NAME   PHASE   HOOK   ELAPSED   DEADLINE\n" {
			t.Errorf("gone: %q", got)
		}
	})
}

func TestPSWatchForPrograms(t *testing.T) {
	following(t, t.TempDir(), "ps -w -o json -n default", func(s *record.Store, news func() string) {
		if got := news(); got != "[]\n" {
			t.Errorf("at first: %q", got)
		}
		s.Post(record.Status{Subject: nginx, Phase: "running"})
		s.Post(record.Status{Subject: plain, Phase: "running"})
		if got := news(); strings.Count(got, "\n") != 1 || strings.Contains(got, "k8s.io") || !strings.HasPrefix(got, `[{"version":1,"namespace":"default","container":"batch","phase":"running",`) {
			t.Errorf("got %q", got)
		}
	})
}

func TestLogsFollow(t *testing.T) {
	for args, want := range map[string][3]string{
		"logs web/nginx -f": {
			"=== 2026-03-04 12:00:00.000 postStart (exec) attempt 1 of web/nginx 3f1c9a2b7d10: Succeeded: no output\n",
			"=== 2026-03-04 12:00:01.000 preStop (exec) attempt 1 of web/nginx 9c41d0aa6be2: Running\n",
			"=== 2026-03-04 12:00:01.000 preStop (exec) attempt 1 of web/nginx 9c41d0aa6be2: Succeeded, after 1s\nstdout: bye\n",
		},
		"logs web/nginx -f -o json": {`"outcome":"Succeeded"}`, `"outcome":"Running"}`, `"stdout":"YnllCg==","outcome":"Succeeded"}`},
	} {
		dir := t.TempDir()
		before := record.Open(dir, record.Limits{MaxAge: 1 << 62})
		before.Begin(record.Record{Subject: restarted, Hook: hooks.PostStart, Handler: "exec", Attempt: 1, Started: noon}).End(record.End{Outcome: hooks.Succeeded})
		flushed(before)
		following(t, dir, args, func(s *record.Store, news func() string) {
			said := func(when, want string) {
				t.Helper()
				if got := news(); !strings.HasSuffix(got, want) && !strings.HasSuffix(got, want+"\n") || strings.Count(got, "\n") != max(1, strings.Count(want, "\n")) {
					t.Errorf("%s, %s: got %q, want %q", args, when, got, want)
				}
			}
			said("at first", want[0])
			e := s.Begin(record.Record{Subject: nginx, Hook: hooks.PreStop, Handler: "exec", Attempt: 1, Started: noon.Add(time.Second)})
			other := s.Begin(record.Record{Subject: redis, Hook: hooks.PreStop, Handler: "exec", Attempt: 1, Started: noon.Add(time.Second)})
			said("when a restarted container stops", want[1])
			e.End(record.End{Outcome: hooks.Succeeded, DurationSeconds: 1, Stdout: []byte("bye\n")})
			other.End(record.End{Outcome: hooks.Succeeded})
			said("when its hook has ended", want[2])
		})
	}
}
