package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bookend.dev/bookend/integration/testmatrix/outcome"
)

// result is one suite run with one release.
type result struct {
	release  string // 2.2
	version  string // 2.2.9
	suite    string
	outcomes []outcome.Outcome
	took     time.Duration
	log      string // where the suite's output is
}

func (r result) count(state outcome.State) (n int) {
	for _, o := range r.outcomes {
		if o.State == state {
			n++
		}
	}
	return n
}

// report is all that ran, and what is known to fail.
type report struct {
	results []result
	known   []known
	partial bool // tests were picked: one that is missing was not meant to run
}

// print writes the table, then what was skipped and what failed, and why. It fails with
// errUnknownFailure where the known failures do not name one.
func (p report) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "containerd\tsuite\trun\tpassed\tfailed\tskipped\ttime")
	for _, r := range p.results {
		passed, failed := r.count(outcome.Passed), r.count(outcome.Failed)
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%s\n", r.version, r.suite, passed+failed, passed, failed, r.count(outcome.Skipped), r.took.Round(time.Second))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	unknown := 0
	for _, r := range p.results {
		unknown += p.details(w, r)
	}
	p.unfulfilled(w)
	if unknown > 0 {
		return fmt.Errorf("%w: %d", errUnknownFailure, unknown)
	}
	return nil
}

// details writes what tests of one result have to tell, those of one reason together, and
// returns how many failures are not known.
func (p report) details(w io.Writer, r result) (unknown int) {
	var notes, skips, failures, alarms groups
	for _, o := range r.outcomes {
		switch o.State {
		case outcome.Passed:
			if o.Reason != "" {
				notes.add(o.Reason, o.Test)
			}
		case outcome.Skipped:
			skips.add(firstLine(o.Reason), o.Test)
		case outcome.Failed:
			if k := p.find(r, o); k != nil {
				failures.add(k.reason, o.Test)
			} else {
				alarms.add(o.Reason, o.Test)
				unknown++
			}
		}
	}
	if len(notes)+len(skips)+len(failures)+len(alarms) == 0 {
		return 0
	}
	fmt.Fprintf(w, "\ncontainerd %s, %s; log: %s\n", r.version, r.suite, r.log)
	notes.print(w, "passed")
	skips.print(w, "skipped")
	failures.print(w, "failed, as is known")
	alarms.print(w, "FAILED")
	return unknown
}

func (p report) find(r result, o outcome.Outcome) *known {
	i := slices.IndexFunc(p.known, func(k known) bool { return k.matches(r.release, r.suite, o.Test) })
	if i < 0 {
		return nil
	}
	return &p.known[i]
}

// unfulfilled writes the rows of known failures of which no test failed, though their
// suite ran with a release that they are about.
func (p report) unfulfilled(w io.Writer) {
	for _, k := range p.known {
		for _, r := range p.results {
			if k.suite != r.suite || !k.about(r.release) {
				continue
			}
			ran, failed := !p.partial, false
			for _, o := range r.outcomes {
				if k.matches(r.release, r.suite, o.Test) {
					ran, failed = true, failed || o.State == outcome.Failed
				}
			}
			if ran && !failed {
				fmt.Fprintf(w, "\nknown to fail, and does not: containerd %s, %s: %s\n", r.version, r.suite, k.test)
			}
		}
	}
}

// groups are tests by what is said of them, in the order in which it was first said.
type groups []group

type group struct {
	reason string
	tests  []string
}

// ids are containers' and pods': what is said of two containers may be the same reason.
var ids = regexp.MustCompile(`[0-9a-f]{64}`)

func (g *groups) add(reason, test string) {
	reason = ids.ReplaceAllString(reason, "ID")
	i := slices.IndexFunc(*g, func(other group) bool { return other.reason == reason })
	if i < 0 {
		*g, i = append(*g, group{reason: reason}), len(*g)
	}
	(*g)[i].tests = append((*g)[i].tests, test)
}

func (g groups) print(w io.Writer, title string) {
	for _, one := range g {
		fmt.Fprintf(w, "  %s: %s\n", title, strings.ReplaceAll(one.reason, "\n", "\n    | "))
		for _, test := range one.tests {
			fmt.Fprintf(w, "      %s\n", test)
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
