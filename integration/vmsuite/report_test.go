package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// console is what a guest writes whose package has these tests' output.
func console(tests string, status string) string {
	return "\n\x01kernel 6.12\n\n\x01package integration\n" + tests + "\n\x01status integration " + status + "\n\n\x01done\n"
}

// framed is a test binary's output with -test.v=test2json, which sets off its own
// lines with the byte 0x16.
func framed(lines ...string) string {
	return "\x16" + strings.Join(lines, "\n\x16") + "\n"
}

// start is a report that nothing was written to.
func start(t *testing.T) *report {
	t.Helper()
	r, err := newReport(settings{disks: t.TempDir(), init: initSmall, kernel: "trixie"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// write has a report read what a guest wrote, some bytes at a time.
func write(t *testing.T, r *report, written string) {
	t.Helper()
	for len(written) > 0 {
		n := min(7, len(written))
		if _, err := r.Write([]byte(written[:n])); err != nil {
			t.Fatal(err)
		}
		written = written[n:]
	}
}

// read is a report of all that guests wrote.
func read(t *testing.T, written string) *report {
	t.Helper()
	r := start(t)
	write(t, r, written)
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	return r
}

var onePackage = plan{packages: []pkg{{path: "integration"}}, leftOut: []string{"TestFar: it is far"}}

func TestReportTellsOfEveryTest(t *testing.T) {
	r := read(t, console(framed("=== RUN   TestGood", "--- PASS: TestGood (0.10s)")+
		framed("=== RUN   TestOther", "=== RUN   TestOther/part", "--- PASS: TestOther (0.10s)", "    --- PASS: TestOther/part (0.10s)")+
		"\x16=== RUN   TestAway\n    a_test.go:7: needs criu\n\x16--- SKIP: TestAway (0.00s)\n\x16PASS\n", "0"))
	summary := r.summary(onePackage, 0)
	for _, want := range []string{
		"integration, tests and their parts: 4 run, 3 passed, 0 failed, 1 skipped\n",
		"skipped: TestAway: a_test.go:7: needs criu\n", "left out: TestFar: it is far\n",
	} {
		if !strings.Contains(summary, want) {
			t.Errorf("%q is not in\n%s", want, summary)
		}
	}
	if err := r.verdict(onePackage); err != nil {
		t.Error(err)
	}
}

func TestReportFails(t *testing.T) {
	good := framed("=== RUN   TestGood", "--- PASS: TestGood (0.10s)")
	bad := "\x16=== RUN   TestBad\n    a_test.go:7: it is broken\n\x16--- FAIL: TestBad (0.10s)\n\x16FAIL\n"
	for name, tt := range map[string]struct{ written, want, summary string }{
		"a guest that does not boot":    {"", "did not boot", ""},
		"a guest that is another":       {"\n\x01kernel 6\n\n\x01refused cgroup v1 is mounted\n", "cgroup v1 is mounted", ""},
		"a test that fails":             {console(good+bad, "1"), "status 1", "failed: TestBad\n"},
		"a test that failed before":     {console(good+bad, "0"), "TestBad failed", "failed: TestBad\n"},
		"a binary that ends by itself":  {console(good+"\x16PASS\nstop the shared daemon: leaked\n", "1"), "shared daemon: leaked", ""},
		"a binary that panics":          {console(framed("=== RUN   TestLong")+"panic: nil\n", "2"), "status 2", "panic: nil\n"},
		"a guest that ends in a test":   {"\n\x01kernel 6\n\n\x01package integration\n" + good + framed("=== RUN   TestLong"), "did not end", "did not end: TestLong\n"},
		"a guest that ends between":     {strings.TrimSuffix(console(good, "0"), "\x01done\n"), "before its plan", ""},
		"a pattern that no test is of":  {console("PASS\n", "0"), "no test ran", ""},
		"a package that does not begin": {"\n\x01kernel 6\n\n\x01done\n", "did not end", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, tt.written)
			if err := r.verdict(onePackage); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("verdict %v, want %q", err, tt.want)
			}
			if summary := r.summary(onePackage, 0); !strings.Contains(summary, tt.summary) {
				t.Errorf("%q is not in\n%s", tt.summary, summary)
			}
		})
	}
}

func TestReportKnowsWhatAnotherGuestNeedNotRun(t *testing.T) {
	r := read(t, console(framed("=== RUN   TestGood", "--- PASS: TestGood (0.10s)", "=== RUN   TestBad", "--- FAIL: TestBad (0.10s)",
		"=== RUN   TestLong", "=== RUN   TestLong/part", "    --- PASS: TestLong/part (0.1s)"), "1"))
	rest := onePackage.without(r.ended())
	if got, want := rest.packages[0].skip, "^(TestGood|TestBad)$"; got != want {
		t.Errorf("skip %q, want %q", got, want)
	}
}

func TestReportTellsWhatAnotherGuestIsFor(t *testing.T) {
	good := framed("=== RUN   TestGood", "--- PASS: TestGood (0.10s)")
	for name, tt := range map[string]struct {
		written string
		boot    error
		want    error
	}{
		"the end":             {console(good, "0"), nil, nil},
		"tests that fail":     {console(good, "1"), nil, nil},
		"a panic":             {strings.TrimSuffix(console(good, "0"), "\x01done\n"), nil, errCutOff},
		"silence":             {strings.TrimSuffix(console(good, "0"), "\x01done\n"), errSilent, errSilent},
		"an interrupt":        {strings.TrimSuffix(console(good, "0"), "\x01done\n"), context.Canceled, nil},
		"no boot":             {"", nil, nil},
		"a guest of cgroup 1": {"\n\x01kernel 6\n\n\x01refused cgroup v1 is mounted\n", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := read(t, tt.written).cut(tt.boot); !errors.Is(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// What one guest died in, and another one ran, has run.
func TestReportForgetsATestThatEndedInAnotherGuest(t *testing.T) {
	good := framed("=== RUN   TestGood", "--- PASS: TestGood (0.10s)")
	long := framed("=== RUN   TestLong")
	r := start(t)
	write(t, r, "\n\x01kernel 6\n\n\x01package integration\n"+good+long)
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if got := r.ended()["integration"]; !slices.Equal(got, []string{"TestGood"}) {
		t.Errorf("ended: %q", got)
	}
	write(t, r, console(long+framed("--- PASS: TestLong (9.00s)", "PASS"), "0"))
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	if err := r.verdict(onePackage); err != nil {
		t.Error(err)
	}
	if summary := r.summary(onePackage, 0); !strings.Contains(summary, "2 run, 2 passed") || strings.Contains(summary, "did not end") {
		t.Error(summary)
	}
}
