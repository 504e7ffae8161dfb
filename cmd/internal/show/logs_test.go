package show

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// ended is an attempt that failed and printed.
func ended(stdout, stderr string) record.Record {
	three := 3
	return record.Record{
		ID: "1", Subject: inPod("aa01", "web", "nginx"), Hook: hooks.PostStart, Handler: "exec", Attempt: 2, Started: noon,
		End: record.End{
			Outcome: hooks.Failed, DurationSeconds: 0.036, Cause: hooks.CauseExitCode, ExitCode: &three,
			Detail: "line one\nline \x1btwo", Stdout: []byte(stdout), Stderr: []byte(stderr),
		},
	}
}

const endedTitle = "=== 2026-03-04 12:00:00.000 postStart (exec) attempt 2 of web/nginx aa01: Failed, exit status 3, after 36ms"

// write returns what is written of records, one after the other.
func write(t *testing.T, opts LogOptions, records ...record.Record) string {
	t.Helper()
	var out bytes.Buffer
	opts.Location = time.UTC
	l := NewLogs(&out, opts)
	for _, r := range records {
		if err := l.Write(r); err != nil {
			t.Error(err)
		}
	}
	return out.String()
}

func TestLogsMarkEveryLine(t *testing.T) {
	got := write(t, LogOptions{}, ended("one\n\x1b[31mtwo\n\n=== no title", "three"))
	want := endedTitle + "\n" + `detail: line one\x0aline \x1btwo
stdout: one
` + "stdout: \x1b[31mtwo\n" + `stdout: 
stdout: === no title
stderr: three
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLogsEscapeForTerminals(t *testing.T) {
	const printed = "a\tb\r\n\x1b[2J\x9b\n"
	got := write(t, LogOptions{Terminal: true}, ended(printed, ""))
	want := endedTitle + "\n" + `detail: line one\x0aline \x1btwo
` + "stdout: a\tb" + `\x0d
stdout: \x1b[2J\x9b
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := write(t, LogOptions{Terminal: true, Raw: true}, ended(printed, "")); got != "a\tb"+`\x0d`+"\n"+`\x1b[2J\x9b`+"\n" {
		t.Errorf("raw: got %q", got)
	}
	if got := write(t, LogOptions{Raw: true}, ended(printed, "e")); got != printed+"e" {
		t.Errorf("raw, to a file: got %q", got)
	}
}

func TestLogsWriteOnlyWhatIsNew(t *testing.T) {
	running := record.Record{ID: "1", Subject: record.Subject{Container: "c"}, Hook: hooks.PreStop, Handler: "exec", Attempt: 1, Started: noon, Running: true}
	done := running
	done.Running, done.End = false, record.End{Outcome: hooks.Failed, Cause: hooks.CauseSignal, Signal: 15, Detail: "d", Stdout: []byte("one\n")}
	late := done
	late.Stdout = []byte("one\ntwo\n")
	moved := done
	moved.Stdout = []byte("two\nthree\n")
	overruled := moved
	overruled.Outcome, overruled.Cause = hooks.Cancelled, hooks.CauseCancelled
	silent := record.Record{ID: "2", Subject: record.Subject{Container: "c"}, Hook: hooks.PreStop, Handler: "sleep", Attempt: 1, Started: noon, End: record.End{Outcome: hooks.Succeeded}}

	got := write(t, LogOptions{}, running, running, done, done, late, moved, overruled, silent, silent)
	const title = "=== 2026-03-04 12:00:00.000 preStop (exec) attempt 1 of c: "
	want := title + "Running\n" +
		title + "Failed, killed by signal 15 (SIGTERM)\ndetail: d\nstdout: one\n" +
		title + "Failed, killed by signal 15 (SIGTERM): more output\nstdout: two\n" +
		title + "Failed, killed by signal 15 (SIGTERM): more output\nstdout: two\nstdout: three\n" +
		title + "Cancelled\ndetail: d\n" +
		"=== 2026-03-04 12:00:00.000 preStop (sleep) attempt 1 of c: Succeeded: no output\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := write(t, LogOptions{Raw: true}, running, done, late); got != "one\ntwo\n" {
		t.Errorf("raw: got %q", got)
	}
}

func TestLogsTellOfStops(t *testing.T) {
	undelivered := stop(true, record.End{Detail: "no\nrunc"})
	delivered := stop(false, record.End{Detail: "no\nrunc", Delivery: record.Delivered, DurationSeconds: 42})
	got := write(t, LogOptions{}, undelivered, undelivered, delivered)
	const title = "=== 2026-03-04 12:00:00.000 stop of web/nginx aa01: "
	if want := title + "Undelivered, SIGTERM\n" + `detail: no\x0arunc` + "\n" + title + "Delivered, SIGTERM, after 42s\n" + `detail: no\x0arunc` + "\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := write(t, LogOptions{Raw: true}, undelivered, delivered); got != "" {
		t.Errorf("raw: got %q", got)
	}
}

// Who follows for days must not hold all that was ever printed.
func TestLogsForgetOutputThatIsWritten(t *testing.T) {
	l := NewLogs(io.Discard, LogOptions{Location: time.UTC})
	var printed weak.Pointer[byte]
	func() {
		r := ended(strings.Repeat("x", 64<<10), "")
		printed = weak.Make(&r.Stdout[0])
		if err := l.Write(r); err != nil {
			t.Error(err)
		}
	}()
	runtime.GC()
	if printed.Value() != nil {
		t.Error("the output is still there")
	}
	runtime.KeepAlive(l)
}
