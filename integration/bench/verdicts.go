package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// summary writes all figures that have a goal, and those that missed it again
// at the end, where they are seen.
func (r *results) summary(w io.Writer) error {
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "benchmark\tfigure\tvalue\t95 % interval\tgoal\taim\t")
	missed := 0
	for _, o := range r.Outcomes {
		for _, f := range o.Figures {
			if f.Goal == nil {
				continue
			}
			if f.missed() {
				missed++
			}
			fmt.Fprintf(table, "%s\t%s\t%.3f\t%.3f to %.3f\t%s\t%v\t%s\n",
				o.Name, f.Name, f.Value, f.Lo, f.Hi, f.Goal, f.Goal.Aim, f.verdict())
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if missed > 0 {
		fmt.Fprintf(w, "\n%d of these figures MISSED their goal.\n", missed)
	}
	return nil
}
