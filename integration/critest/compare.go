package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// absent is the state of a test that a run doesn't know.
const absent = "absent"

// difference is one test with another outcome in each run.
type difference struct {
	Test        string
	Stock, Ours outcome
}

// compare lists the tests whose state differs between two runs, by name. Messages may differ: they
// hold times and ids.
func compare(stock, ours results) []difference {
	names := slices.Collect(maps.Keys(stock.Outcomes))
	for name := range ours.Outcomes {
		if _, known := stock.Outcomes[name]; !known {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var found []difference
	for _, name := range names {
		d := difference{Test: name, Stock: stock.at(name), Ours: ours.at(name)}
		if d.Stock.State != d.Ours.State {
			found = append(found, d)
		}
	}
	return found
}

func (r results) at(name string) outcome {
	if o, ok := r.Outcomes[name]; ok {
		return o
	}
	return outcome{State: absent}
}

// run is what one handler's run came to.
type run struct {
	Handler string
	results
}

// printCounts writes a table of the runs, and the tests that neither pass nor skip with any of them.
func printCounts(w io.Writer, runs ...run) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "handler\tpassed\tfailed\tskipped\ttime")
	for _, r := range runs {
		passed, failed, skipped := r.count()
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\n", r.Handler, passed, failed, skipped, r.Took.Round(time.Second))
	}
	return table.Flush()
}

// printFailures writes the tests that failed in a run, each with the first line of its message.
func printFailures(w io.Writer, r run) {
	for _, name := range slices.Sorted(maps.Keys(r.Outcomes)) {
		if o := r.Outcomes[name]; o.State != "passed" && o.State != "skipped" {
			fmt.Fprintf(w, "%s: %s: %s\n    %s\n", r.Handler, o.State, name, firstLine(o.Message))
		}
	}
}

// printDifferences writes the tests that differ.
func printDifferences(w io.Writer, stock, ours string, found []difference) {
	for _, d := range found {
		fmt.Fprintf(w, "differs: %s\n", d.Test)
		for _, side := range []struct {
			handler string
			outcome outcome
		}{{stock, d.Stock}, {ours, d.Ours}} {
			fmt.Fprintf(w, "    %s: %s %s\n", side.handler, side.outcome.State, firstLine(side.outcome.Message))
		}
	}
}
