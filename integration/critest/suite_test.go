package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	text := "#!/bin/sh\necho args: $*\necho scratch: $TMPDIR\ntouch $TMPDIR/left\n" + write + end + "\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return suite{critest: path, out: filepath.Join(dir, "out"), timeout: time.Minute, seed: 7, args: []string{"-x"}}
}

const oneFailure = `[{"SpecReports": [{"LeafNodeType": "It", "LeafNodeText": "t", "State": "failed", "RunTime": 1}]}]`

func TestSuiteRun(t *testing.T) {
	s := fakeCritest(t, oneFailure, "exit 1")
	got, err := s.run(t.Context(), "/run/c.sock", "bookend")
	if err != nil {
		t.Fatal(err)
	}
	if got.Outcomes["t"].State != "failed" {
		t.Errorf("outcomes %v", got.Outcomes)
	}
	log, err := os.ReadFile(s.file("bookend", "log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-runtime-endpoint unix:///run/c.sock", "-image-endpoint unix:///run/c.sock",
		"-runtime-handler bookend", "-ginkgo.seed 7", "-ginkgo.timeout 1m0s", " -x\n"} {
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
		if got, err := s.run(t.Context(), "/run/c.sock", "runc"); err == nil {
			t.Errorf("%s: results %v, want an error", name, got)
		}
	}
}

func TestSuiteIgnoresAnOldReport(t *testing.T) {
	s := fakeCritest(t, "", "exit 1")
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file("runc", "json"), []byte(oneFailure), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := s.run(t.Context(), "/run/c.sock", "runc")
	if err == nil || !strings.Contains(err.Error(), s.file("runc", "log")) {
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
	if got, err := s.run(ctx, "/run/c.sock", "runc"); !errors.Is(err, context.Canceled) {
		t.Errorf("results %v, error %v; want context.Canceled", got, err)
	}
}

func TestNoCritest(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("CRITEST", "")
	for _, args := range [][]string{nil, {"-critest", ""}, {"-critest", "/nowhere/critest"}} {
		err := mainErr(t.Context(), args, &strings.Builder{})
		if !errors.Is(err, errNoCritest) || !strings.Contains(err.Error(), "kubernetes-sigs/cri-tools") {
			t.Errorf("%q: %v, want where to get it", args, err)
		}
	}
}
