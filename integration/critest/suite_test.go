package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// fakeCritest is a critest that writes report, where one is given, prints its arguments and TMPDIR, and
// then does what end says.
func fakeCritest(t *testing.T, report, end string) suite {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "critest")
	write := ""
	if report != "" {
		write = "while [ $1 != -ginkgo.json-report ]; do shift; done; echo '" + report + "' >$2\n"
	}
	text := "#!/bin/sh\necho \"args: $*\"\necho scratch: $TMPDIR\ntouch $TMPDIR/left\n" + write + end + "\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return suite{critest: path, out: filepath.Join(dir, "out"), timeout: time.Minute, seed: 7, args: []string{"-x"}}
}

// aCall is a call of the whole suite.
var aCall = call{socket: "/run/c.sock", nri: "/run/nri.sock", handler: "runc", name: "2-runc"}

const oneFailure = `[{"PreRunStats": {"SpecsThatWillRun": 1}, "SpecReports": [{"LeafNodeType": "It", "LeafNodeText": "t", "State": "failed", "RunTime": 1}]}]`

func TestSuiteRun(t *testing.T) {
	s := fakeCritest(t, oneFailure, "exit 1")
	s.focus, s.skip = "Pod|Image", "slow"
	c := call{socket: "/run/c.sock", nri: "/run/nri.sock", handler: "bookend", name: "1-bookend"}
	got, err := s.run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got.Outcomes["t"].State != "failed" {
		t.Errorf("outcomes %v", got.Outcomes)
	}
	log, err := os.ReadFile(s.log(c))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-runtime-endpoint unix:///run/c.sock", "-image-endpoint unix:///run/c.sock",
		"-nri-socket /run/nri.sock", "-runtime-handler bookend", "-ginkgo.seed 7", "-ginkgo.timeout 1m0s", " -x -ginkgo.focus Pod|Image -ginkgo.skip slow\n"} {
		if !strings.Contains(string(log), want) {
			t.Errorf("critest was called without %q:\n%s", want, log)
		}
	}
	_, scratch, _ := strings.Cut(string(log), "scratch: ")
	if scratch = strings.TrimSpace(scratch); !strings.HasPrefix(scratch, "/tmp/critest-") {
		t.Fatalf("critest's TMPDIR is %q", scratch)
	}
	if _, err := os.Stat(scratch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("critest's temporary directory: %v, want it gone", err)
	}
}

func TestSuiteThatBreaks(t *testing.T) {
	for name, s := range map[string]suite{
		"no report":    fakeCritest(t, "", "exit 1"),
		"usage":        fakeCritest(t, oneFailure, "exit 2"),
		"killed":       fakeCritest(t, oneFailure, "kill -9 $$"),
		"torn report":  fakeCritest(t, "[{", "exit 1"),
		"empty report": fakeCritest(t, "[]", "exit 0"),
	} {
		if got, err := s.run(t.Context(), aCall); err == nil {
			t.Errorf("%s: results %v, want an error", name, got)
		}
	}
}

func TestSuiteIgnoresAnOldReport(t *testing.T) {
	s := fakeCritest(t, "", "exit 1")
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.report(aCall), []byte(oneFailure), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := s.run(t.Context(), aCall)
	if err == nil || !strings.Contains(err.Error(), s.log(aCall)) {
		t.Errorf("results %v, error %v; want one that names the log", got, err)
	}
}

func TestSuiteInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := fakeCritest(t, oneFailure, "trap 'kill $!; exit 1' INT; sleep 60 & touch $0.ready; wait")
	go func() {
		defer cancel()
		for ctx.Err() == nil && !isFile(s.critest+".ready") {
			<-time.After(5 * time.Millisecond)
		}
	}()
	if got, err := s.run(ctx, aCall); !errors.Is(err, context.Canceled) {
		t.Errorf("results %v, error %v; want context.Canceled", got, err)
	}
}

// A call of tests by their names runs them, whatever the focus is, and gives no results but theirs.
func TestSuiteRunsTestsByName(t *testing.T) {
	s := fakeCritest(t, oneFailure, "exit 1")
	s.focus, s.skip = "Pod", "slow"
	c := aCall
	c.tests = []string{"t"}
	got, err := s.run(t.Context(), c)
	if err != nil || len(got.Outcomes) != 1 {
		t.Errorf("results %v, error %v", got, err)
	}
	c.tests = []string{"[k8s.io] Pod runs (2)", "t"}
	if _, err := s.run(t.Context(), c); !errors.Is(err, errNotRun) {
		t.Errorf("%v, want errNotRun", err)
	}
	log, err := os.ReadFile(s.log(c))
	if err != nil {
		t.Fatal(err)
	}
	const want = ` -x -ginkgo.focus  \[k8s\.io\] Pod runs( \(\d+\))?$ -ginkgo.focus  t( \(\d+\))?$ -ginkgo.skip slow` + "\n"
	if !strings.Contains(string(log), want) {
		t.Errorf("critest was called without %q:\n%s", want, log)
	}
}

func TestScope(t *testing.T) {
	o, err := parse([]string{"-focus", "Pod"})
	if err != nil {
		t.Fatal(err)
	}
	all, some := call{}, call{tests: []string{"a", "b"}}
	for got, want := range map[string]string{
		suite{}.scope(all):           "all tests",
		suite{focus: "x"}.scope(all): `all tests that match "x"`,
		o.scope(all):                 `all tests that match "Pod" but those that match "` + racing + `"`,
		o.scope(some):                "2 of the tests",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		test, text string
		want       bool
	}{
		{"Pod [x] runs (or not)", "CRI Pod [x] runs (or not)", true},
		{"Pod [x] runs (or not)", "CRI Pod x runs (or not)", false},
		{"Pod runs", "CRI Pod runs twice", false},
		{"Pod runs (2)", "CRI Pod runs", true},
		{"runs", "CRI Pod overruns", false},
	} {
		if got := regexp.MustCompile(pattern(c.test)).MatchString(c.text); got != c.want {
			t.Errorf("%q and %q: %v, want %v", c.test, c.text, got, c.want)
		}
	}
}

func TestFindCritest(t *testing.T) {
	tools := harness.Binaries{Tools: t.TempDir()}
	if _, err := findCritest("", tools); !errors.Is(err, harness.ErrMissing) {
		t.Errorf("no tool: %v, want ErrMissing", err)
	}
	own := filepath.Join(tools.Tools, "critest")
	if err := os.WriteFile(own, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	other := fakeCritest(t, "", "").critest
	for path, want := range map[string]string{"": own, other: other} {
		if got, err := findCritest(path, tools); got != want {
			t.Errorf("%q: %q, error %v; want %q", path, got, err, want)
		}
	}
	if _, err := findCritest("/nowhere/critest", tools); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a path that isn't there: %v, want not exist", err)
	}
}
