package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// messageLines is how much of the message of a test that only ours fails is printed.
const messageLines = 4

// print writes how many tests each run passed, failed and skipped, then the lists of tests.
func (v verdict) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "run\thandler\tpassed\tfailed\tskipped\ttime")
	for i, r := range v.Runs {
		passed, failed, skipped := r.count()
		fmt.Fprintf(table, "%d\t%s\t%d\t%d\t%d\t%s\n", i+1, r.Handler, passed, failed, skipped, r.Took.Round(time.Second))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	failed, skipped := v.split(v.Both)
	ours := v.Runs[0].Handler
	fmt.Fprintf(w, "\nskipped with both shims: %d%s\n", len(skipped), v.reasons(skipped))
	v.list(w, "failed with both shims", failed, 1)
	v.list(w, "failed with "+ours+", but not steadily when repeated", v.Flaky, 1)
	v.list(w, "fails with "+ours+" alone", v.OnlyOurs, messageLines)
	return nil
}

// split tells the tests that ours failed from those that it skipped.
func (v verdict) split(tests []string) (failed, skipped []string) {
	for _, test := range tests {
		if v.Runs[0].Outcomes[test].State == "skipped" {
			skipped = append(skipped, test)
		} else {
			failed = append(failed, test)
		}
	}
	return failed, skipped
}

// reasons counts tests by the first line of their message with ours.
func (v verdict) reasons(tests []string) string {
	counts := map[string]int{}
	for _, test := range tests {
		counts[firstLine(v.Runs[0].Outcomes[test].Message)]++
	}
	var b strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "\n    %d: %s", counts[reason], reason)
	}
	return b.String()
}

// list writes tests with how each run ended them, messages cut to so many lines.
func (v verdict) list(w io.Writer, title string, tests []string, lines int) {
	fmt.Fprintf(w, "%s: %d\n", title, len(tests))
	for _, test := range tests {
		fmt.Fprintf(w, "    %s\n", test)
		for i, r := range v.Runs {
			if o, ran := r.Outcomes[test]; ran {
				fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("        run %d, %s: %s %s", i+1, r.Handler, o.State, head(o.Message, lines)), " "))
			}
		}
	}
}

// head returns the first lines of a message, those after the first one indented.
func head(message string, lines int) string {
	all := strings.Split(strings.TrimSpace(message), "\n")
	if len(all) > lines {
		all = all[:lines]
	}
	return strings.Join(all, "\n            ")
}
