package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func exampleResults() *results {
	taken := sampled(map[string][]float64{"start, bookend": {10, 11, 12}, "start & stop, <runc>": {20, 22, 24}},
		"start, bookend", "start & stop, <runc>")
	o := &outcome{Name: "example", About: "what it is about", Base: "start & stop, <runc>", Notes: []string{"A note."}}
	o.cases(taken, "ms")
	o.figure("start_over_stock", atMost(0.4, 0.3), taken, ratio("start, bookend", "start & stop, <runc>"))
	return &results{
		Began:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Machine:  machine{CPUs: 2, CPU: "a CPU", Kernel: "6.1", Cgroups: "v1", Versions: map[string]string{"runc": "runc version 1"}},
		Outcomes: []*outcome{o},
	}
}

func TestOutcomePrintsItsTableAndEndsWithResults(t *testing.T) {
	var b strings.Builder
	if err := exampleResults().Outcomes[0].print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"start, bookend", "11.0 ms", "0.50", "A note.", "\nRESULT example start_over_stock=0.5 goal=0.4 lo=0.5 hi=0.5 reached=false aim=0.3\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

func TestSummaryTellsWhatIsMissed(t *testing.T) {
	var b strings.Builder
	if err := exampleResults().summary(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "1 of these figures MISSED") {
		t.Errorf("got\n%s", &b)
	}
}

func TestDrawWritesThePageAndItsCharts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "docs")
	if err := exampleResults().draw(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2026-01-02", "(bench-goals.svg)", "(bench-example.svg)", "| example | `start_over_stock` | 0.50 | 0.50 to 0.50 | <= 0.4 | 0.30 | MISSED |", "## example\n\nWhat it is about; 3 rounds."} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	for _, name := range []string{"bench-goals.svg", "bench-example.svg"} {
		drawing, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := wellFormed(string(drawing)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, drawing)
		}
	}
}

func wellFormed(document string) error {
	for d := xml.NewDecoder(strings.NewReader(document)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestChartDrawsBarsToScale(t *testing.T) {
	drawing := string(exampleResults().Outcomes[0].chart())
	// The scale ends with the longest interval, at 24 ms.
	ours := fmt.Sprintf(`width="%.1f" height="16.0" fill="%s"`, 11.0/24*plotWidth, oursColour)
	other := fmt.Sprintf(`width="%.1f" height="16.0" fill="%s"`, 22.0/24*plotWidth, otherColour)
	for _, want := range []string{ours, other, "start &amp; stop, &lt;runc&gt;", "11.0 ms"} {
		if !strings.Contains(drawing, want) {
			t.Errorf("no %q in\n%s", want, drawing)
		}
	}
}

func TestResultsAreReadAsTheyWereWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "results.json")
	wrote := exampleResults()
	if err := wrote.write(path); err != nil {
		t.Fatal(err)
	}
	read, err := readResults(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read, wrote) {
		t.Errorf("read %+v\nwrote %+v", read, wrote)
	}
}
