package show

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"bookend.dev/bookend/cmd/internal/terminal"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// LogOptions say how [Logs] writes.
type LogOptions struct {
	Location *time.Location // of times
	// Terminal says that the output goes to one: what it would act on is escaped.
	Terminal bool
	// Raw writes what hooks printed and nothing else.
	Raw bool
}

// Logs writes what hooks printed: for each attempt a line that says how it went,
// then the lines of its stdout and of its stderr, marked as such; how the two
// were interleaved is not recorded. A record that has changed since it was
// written is written again as far as it is new.
type Logs struct {
	out     io.Writer
	opts    LogOptions
	written map[string]written // by the records' ID
}

// NewLogs returns Logs that write to out.
func NewLogs(out io.Writer, opts LogOptions) *Logs {
	return &Logs{out: out, opts: opts, written: map[string]written{}}
}

// Write writes a record, or what is new of it, by one call of the writer.
func (l *Logs) Write(r record.Record) error {
	before, again := l.written[r.ID]
	title := l.title(r)
	l.written[r.ID] = written{title: title, stdout: newMark(r.Stdout), stderr: newMark(r.Stderr)}
	stdout, stderr := before.stdout.added(r.Stdout), before.stderr.added(r.Stderr)
	var text bytes.Buffer
	if l.opts.Raw {
		text.WriteString(l.safe(stdout))
		text.WriteString(l.safe(stderr))
	} else {
		more := again && title == before.title
		if more && len(stdout)+len(stderr) == 0 {
			return nil
		}
		l.head(&text, title, r, more)
		l.lines(&text, "stdout: ", stdout)
		l.lines(&text, "stderr: ", stderr)
	}
	_, err := l.out.Write(text.Bytes())
	return err
}

// head writes the lines above the output.
func (l *Logs) head(text *bytes.Buffer, title string, r record.Record, more bool) {
	text.WriteString(title)
	switch {
	case more:
		text.WriteString(": more output")
	case r.Kind == record.Attempt && !r.Running && len(r.Stdout)+len(r.Stderr) == 0:
		text.WriteString(": no output")
	}
	text.WriteByte('\n')
	if r.Detail != "" && !more {
		fmt.Fprintf(text, "detail: %s\n", terminal.Escape(r.Detail))
	}
}

// title is the line of an attempt or a stop, without its end.
func (l *Logs) title(r record.Record) string {
	name := Name(r.Subject)
	if name != "" {
		name += " "
	}
	what := fmt.Sprintf("%s (%s) attempt %d", r.Hook, r.Handler, r.Attempt)
	if r.Kind != record.Attempt {
		what = string(r.Kind)
	}
	s := fmt.Sprintf("=== %s %s of %s%s: %s", r.Started.In(l.opts.Location).Format("2006-01-02 15:04:05.000"), what, name, ShortID(r.Container), Outcome(r))
	if cause := Cause(r); cause != "" && r.Cause != hooks.CauseTimeout && r.Cause != hooks.CauseCancelled {
		s += ", " + cause
	}
	if d := Duration(r, r.Started); d > 0 {
		s += ", after " + d.String()
	}
	return terminal.Escape(s)
}

// lines puts a mark before each line: what a hook prints cannot be taken for
// bookend's own words.
func (l *Logs) lines(text *bytes.Buffer, mark string, output []byte) {
	for line := range bytes.Lines(output) {
		text.WriteString(mark)
		text.WriteString(l.safe(bytes.TrimSuffix(line, []byte("\n"))))
		text.WriteByte('\n')
	}
}

func (l *Logs) safe(output []byte) string {
	if l.opts.Terminal {
		return terminal.EscapeText(string(output))
	}
	return string(output)
}
