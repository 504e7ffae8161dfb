package main

import (
	"slices"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	stock := results{Outcomes: map[string]outcome{
		"same":        {State: "passed"},
		"both fail":   {State: "failed", Message: "at 10:01"},
		"worse":       {State: "passed"},
		"better":      {State: "failed", Message: "stock's"},
		"skipped now": {State: "passed"},
		"gone":        {State: "passed"},
	}}
	ours := results{Outcomes: map[string]outcome{
		"same":        {State: "passed"},
		"both fail":   {State: "failed", Message: "at 10:02"},
		"worse":       {State: "failed", Message: "first\nsecond"},
		"better":      {State: "passed"},
		"skipped now": {State: "skipped", Message: "unsupported"},
		"new":         {State: "passed"},
	}}
	found := compare(stock, ours)
	var names []string
	for _, d := range found {
		names = append(names, d.Test+" "+d.Stock.State+" "+d.Ours.State)
	}
	want := []string{"better failed passed", "gone passed absent", "new absent passed",
		"skipped now passed skipped", "worse passed failed"}
	if !slices.Equal(names, want) {
		t.Errorf("differences %q, want %q", names, want)
	}
	var out strings.Builder
	printDifferences(&out, "runc", "bookend", found)
	if text := out.String(); !strings.Contains(text, "bookend: failed first\n") || strings.Contains(text, "second") {
		t.Errorf("printed %q", text)
	}
}
