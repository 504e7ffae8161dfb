package main

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

const sampleReport = `[{"RunTime": 61000000000, "PreRunStats": {"SpecsThatWillRun": 4}, "SpecReports": [
 {"LeafNodeType": "BeforeSuite", "State": "passed", "RunTime": 5},
 {"LeafNodeType": "It", "ContainerHierarchyTexts": ["[k8s.io] Pod", "when up"], "LeafNodeText": "runs", "State": "passed", "RunTime": 7},
 {"LeafNodeType": "It", "ContainerHierarchyTexts": ["[k8s.io] Pod", "when up"], "LeafNodeText": "runs", "State": "failed", "RunTime": 7, "Failure": {"Message": "twice\nas bad"}},
 {"LeafNodeType": "It", "ContainerHierarchyTexts": ["AppArmor"], "LeafNodeText": "denies", "State": "skipped", "RunTime": 9, "Failure": {"Message": "AppArmor is disabled"}},
 {"LeafNodeType": "It", "ContainerHierarchyTexts": ["Pod"], "LeafNodeText": "benchmark", "State": "skipped", "RunTime": 0},
 {"LeafNodeType": "It", "LeafNodeText": "hangs", "State": "timedout", "RunTime": 9, "Failure": {"Message": "too long"}}
]}]`

func TestReadReport(t *testing.T) {
	got, err := readReport(strings.NewReader(sampleReport))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]outcome{
		"[k8s.io] Pod when up runs":     {State: "passed"},
		"[k8s.io] Pod when up runs (2)": {State: "failed", Message: "twice\nas bad"},
		"AppArmor denies":               {State: "skipped", Message: "AppArmor is disabled"},
		"hangs":                         {State: "timedout", Message: "too long"},
	}
	if !maps.Equal(got.Outcomes, want) {
		t.Errorf("outcomes %v, want %v", got.Outcomes, want)
	}
	if got.Took != 61*time.Second {
		t.Errorf("took %s, want 61s", got.Took)
	}
	if passed, failed, skipped := got.count(); passed != 1 || failed != 2 || skipped != 1 {
		t.Errorf("%d passed, %d failed, %d skipped; want 1, 2, 1", passed, failed, skipped)
	}
	if tests := got.notPassed(); !slices.Equal(tests, []string{"AppArmor denies", "[k8s.io] Pod when up runs (2)", "hangs"}) {
		t.Errorf("not passed: %q", tests)
	}
	one, err := got.only([]string{"hangs"})
	if err != nil || len(one.Outcomes) != 1 || one.Outcomes["hangs"].State != "timedout" || one.Took != got.Took {
		t.Errorf("one of them: %v, error %v", one, err)
	}
	if _, err := got.only([]string{"hangs", "benchmark"}); !errors.Is(err, errNotRun) {
		t.Errorf("one that wasn't run: %v, want errNotRun", err)
	}
}

// What critest didn't get to has the same state as what it was never to run.
func TestReadReportOfAnEarlyEnd(t *testing.T) {
	const specs = `"SpecReports": [
	 {"LeafNodeType": "It", "LeafNodeText": "x", "State": "passed", "RunTime": 1},
	 {"LeafNodeType": "It", "LeafNodeText": "y", "State": "skipped"}]}]`
	for name, report := range map[string]string{
		"out of time": `[{"PreRunStats": {"SpecsThatWillRun": 1}, "SpecialSuiteFailureReasons": ["Suite Timeout Elapsed"], ` + specs,
		"of 2 tests":  `[{"PreRunStats": {"SpecsThatWillRun": 2}, ` + specs,
	} {
		if got, err := readReport(strings.NewReader(report)); !errors.Is(err, errEndedEarly) {
			t.Errorf("%s: results %v, error %v; want errEndedEarly", name, got, err)
		}
	}
	whole := `[{"PreRunStats": {"SpecsThatWillRun": 1}, ` + specs
	if _, err := readReport(strings.NewReader(whole)); err != nil {
		t.Errorf("a whole run: %v", err)
	}
}

func TestReadReportOfNothing(t *testing.T) {
	for name, report := range map[string]string{
		"no suite":      `[]`,
		"all filtered":  `[{"SpecReports": [{"LeafNodeType": "It", "LeafNodeText": "x", "State": "skipped"}]}]`,
		"setup nothing": `[{"SpecReports": [{"LeafNodeType": "BeforeSuite", "State": "passed"}]}]`,
	} {
		if _, err := readReport(strings.NewReader(report)); !errors.Is(err, errNoTest) {
			t.Errorf("%s: %v, want errNoTest", name, err)
		}
	}
}

func TestReadReportOfFailedSetup(t *testing.T) {
	report := `[{"PreRunStats": {"SpecsThatWillRun": 1}, "SpecReports": [
	 {"LeafNodeType": "BeforeSuite", "State": "failed", "Failure": {"Message": "no socket"}},
	 {"LeafNodeType": "It", "LeafNodeText": "x", "State": "passed", "RunTime": 1}]}]`
	if _, err := readReport(strings.NewReader(report)); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("%v, want the message of BeforeSuite", err)
	}
	if _, err := readReport(strings.NewReader(`[{"SpecRep`)); err == nil {
		t.Error("a torn report was accepted")
	}
}
