package hooks

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// FuzzParse throws text at the grammar. Whatever it is, it must come out as a
// lifecycle that keeps the promises of its type, or as a typed error that a
// Kubernetes Event can carry; and JSON must mean the same read as YAML.
func FuzzParse(f *testing.F) {
	for _, c := range accepted {
		f.Add(document(PreStop, c.text))
		f.Add(document(PostStart, c.text))
	}
	for _, c := range rejected {
		if len(c.text) < 1000 {
			f.Add(c.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Resolve(map[string]string{AnnotationKey: text, AnnotationPorts: `[{"name":"web","containerPort":80}]`}, openConfig)
		switch {
		case err != nil && l != nil:
			t.Fatalf("both %+v and %v", l, err)
		case err != nil:
			checkError(t, err)
		case l != nil:
			checkLifecycle(t, l)
			checkStricterThanYAML(t, text)
		}
	})
}

// FuzzParseConfig does the same for the node's configuration.
func FuzzParseConfig(f *testing.F) {
	for _, text := range []string{
		"[defaults]\npostStartTimeoutSeconds = 5\n[defaults.preStop]\nsleep.seconds = 1\n",
		"[defaults.preStop.httpGet]\nport = 80\n[[defaults.preStop.httpGet.httpHeaders]]\nname = \"a\"\n",
		"defaults = {preStop = {exec = {command = [\"a\", 'b']}}}\n",
		"[policy]\nallowUser = true\nallowHosts = [\"*\", \"10.0.0.0/8\"]\n[runc]\nroot = '/run'\n",
		"policy = {allowHandlers = [\"exec\"], maxRetries = 3, maxPreStopTimeoutSeconds = 9}\nlog.level = 'warn'\n[records]\ndirectory = '/r'\nmaxBytes = 1\nmaxBytesPerContainer = 1\n",
		"defaults.preStop = {sleep = {}, output = 'container', timeoutSeconds = 600}\n",
		"[[a.b]]\n[[a.b]]\nc.d = 1979-05-27T07:32:00Z\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkTOML(t, data)
		c, err := ParseConfig(data, "test")
		switch {
		case (c == nil) == (err == nil):
			t.Fatalf("got %+v and %v", c, err)
		case err != nil:
			checkError(t, err)
		case c.Defaults.PreStop != nil:
			checkHook(t, c.Defaults.PreStop)
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	var invalid *InvalidError
	if !errors.As(err, &invalid) || invalid.Source == "" || invalid.Message == "" {
		t.Fatalf("not an InvalidError with source and message: %#v", err)
	}
	text := err.Error()
	if !utf8.ValidString(text) || strings.IndexFunc(text, unicode.IsControl) >= 0 {
		t.Fatalf("not fit to print: %q", text)
	}
	if len(text) > 1024 { // what an Event's message may hold
		t.Fatalf("%d bytes of error", len(text))
	}
}

func checkLifecycle(t *testing.T, l *Lifecycle) {
	t.Helper()
	if l.PostStart == nil && l.PreStop == nil && l.StopSignal == 0 {
		t.Fatalf("nothing to do, and not nil: %+v", l)
	}
	if len(l.StopSignals) == 0 {
		t.Fatal("no stop signals")
	}
	for _, s := range l.StopSignals {
		if s < 1 || s > 64 || !canTrigger(s) {
			t.Fatalf("stop signal %d", s)
		}
	}
	if l.GracePeriod != nil && (*l.GracePeriod < 0 || *l.GracePeriod > longest) {
		t.Fatalf("grace period %s", *l.GracePeriod)
	}
	for _, h := range []*Hook{l.PostStart, l.PreStop} {
		if h != nil {
			checkHook(t, h)
		}
	}
}

func checkHook(t *testing.T, h *Hook) {
	t.Helper()
	n := 0
	if e := h.Exec; e != nil {
		n++
		if len(e.Command) == 0 || e.Command[0] == "" || strings.Contains(strings.Join(e.Command, ""), "\x00") {
			t.Fatalf("command %q", e.Command)
		}
	}
	if g := h.HTTPGet; g != nil {
		n++
		if g.Port < 1 || g.Port > 65535 || !strings.HasPrefix(g.Path, "/") || g.Scheme != "http" && g.Scheme != "https" {
			t.Fatalf("httpGet %+v", g)
		}
		if strings.ContainsFunc(g.Path, func(r rune) bool { return r <= ' ' || r == 0x7f }) || strings.ContainsAny(g.Host, "/@:[] ") && !strings.Contains(g.Host, ":") {
			t.Fatalf("path %q, host %q", g.Path, g.Host)
		}
	}
	if s := h.Sleep; s != nil {
		n++
		if s.Duration < 0 || s.Duration > longest {
			t.Fatalf("sleep %s", s.Duration)
		}
	}
	if n != 1 || h.Timeout < 0 || h.Timeout > longest || h.Retries < 0 || h.Retries > maxRetries {
		t.Fatalf("hook %+v", h)
	}
}

// checkStricterThanYAML holds what was accepted against the library's own,
// looser reading: that must accept it too.
func checkStricterThanYAML(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, `\`) { // escapes of JSON that YAML does not have
		return
	}
	var tree map[string]any
	if err := yaml.Load([]byte(text), &tree); err != nil {
		t.Fatalf("accepted, but to the YAML library it is no mapping: %v", err)
	}
}
