package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/testmatrix/outcome"
)

func sampleReport() report {
	return report{
		results: []result{
			{"1.7", "1.7.35", "integration", []outcome.Outcome{
				{Test: "TestA", State: outcome.Passed}, {Test: "TestB", State: outcome.Passed, Reason: "left out: 2.0"},
				{Test: "TestInfo", State: outcome.Skipped, Reason: "no shim of " + strings.Repeat("0a", 32) + "\nmore"}, {Test: "TestInfo2", State: outcome.Skipped, Reason: "no shim of " + strings.Repeat("1b", 32)},
				{Test: "TestOld", State: outcome.Failed, Reason: "no dialect"},
				{Test: "TestNew", State: outcome.Failed, Reason: "it is 1\nwant 2"},
			}, 61400 * time.Millisecond, "logs/1.7-integration.log"},
			{"2.4", "2.4.2", "critest", []outcome.Outcome{{Test: "digest", State: outcome.Passed}}, time.Second, "logs/2.4-critest.log"},
		},
		known: []known{
			{[]string{"1.7"}, "integration", "TestOld", "1.7 speaks another dialect"},
			{[]string{"all"}, "critest", "digest", "only the original has it"},
			{[]string{"2.2"}, "integration", "TestB", "of a release that did not run"},
		},
	}
}

func TestReport(t *testing.T) {
	var out strings.Builder
	err := sampleReport().print(&out)
	if !errors.Is(err, errUnknownFailure) || !strings.HasSuffix(err.Error(), ": 1") {
		t.Errorf("%v, want errUnknownFailure of one test", err)
	}
	const want = `containerd  suite        run  passed  failed  skipped  time
1.7.35      integration  4    2       2       2        1m1s
2.4.2       critest      1    1       0       0        1s

containerd 1.7.35, integration; log: logs/1.7-integration.log
  passed: left out: 2.0
      TestB
  skipped: no shim of ID
      TestInfo
      TestInfo2
  failed, as is known: 1.7 speaks another dialect
      TestOld
  FAILED: it is 1
    | want 2
      TestNew

known to fail, and does not: containerd 2.4.2, critest: digest
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// Where tests are picked, one that was not says nothing of what is known of it.
func TestReportOfPickedTests(t *testing.T) {
	for _, partial := range []bool{true, false} {
		p := sampleReport()
		p.partial, p.known = partial, []known{{[]string{"1.7"}, "integration", "TestOther", "x"}, {[]string{"1.7"}, "integration", "TestA", "x"}}
		var out strings.Builder
		if err := p.print(&out); err == nil {
			t.Error("no failure is unknown")
		}
		if got := strings.Contains(out.String(), "does not: containerd 1.7.35, integration: TestOther\n"); got == partial {
			t.Errorf("picked: %v; printed %q", partial, out.String())
		}
		if !strings.Contains(out.String(), "does not: containerd 1.7.35, integration: TestA\n") {
			t.Errorf("a test that passed is known to fail: printed %q", out.String())
		}
	}
}

// A failure that the page names for another release, suite or test is not known.
func TestReportOfKnownFailuresAlone(t *testing.T) {
	p := sampleReport()
	p.known = append(p.known, known{[]string{"1.7"}, "integration", "TestNe*", "it counts otherwise"})
	if err := p.print(&strings.Builder{}); err != nil {
		t.Error(err)
	}
	for _, other := range []known{{[]string{"2.0"}, "integration", "TestNew", "x"}, {[]string{"1.7"}, "critest", "TestNew", "x"}, {[]string{"1.7"}, "integration", "TestNewer", "x"}} {
		p.known[len(p.known)-1] = other
		if err := p.print(&strings.Builder{}); !errors.Is(err, errUnknownFailure) {
			t.Errorf("%v: %v", other, err)
		}
	}
}
