package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// outcome is what one benchmark found.
type outcome struct {
	Name    string    `json:"name"`
	About   string    `json:"about"`
	Quick   bool      `json:"quick,omitempty"`
	Rounds  int       `json:"rounds"`
	Seconds float64   `json:"seconds"`        // from its first pod to its last
	Base    string    `json:"base,omitempty"` // the case that the table's ratios are over; empty: none
	Cases   []summary `json:"cases"`
	Figures []figure  `json:"figures"`
	Notes   []string  `json:"notes,omitempty"`
}

// cases adds those of taken, measured in unit.
func (o *outcome) cases(taken *samples, unit string) {
	o.Rounds = max(o.Rounds, taken.rounds())
	o.Cases = append(o.Cases, taken.summarize(unit)...)
}

// figure adds one of taken; must is nil where it is for information.
func (o *outcome) figure(name string, must *goal, taken *samples, stat statistic) {
	o.Figures = append(o.Figures, figure{name, taken.estimate(stat), must})
}

// base is the median that the table's ratios are over, 0 for none.
func (o *outcome) base() float64 {
	for _, c := range o.Cases {
		if c.Case == o.Base {
			return c.Median.Value
		}
	}
	return 0
}

// print writes the table and the RESULT lines.
func (o *outcome) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%s: %s\n%d rounds, %.0f s in all\n\n", o.Name, o.About, o.Rounds, o.Seconds)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	base := o.base()
	header := "\tmedian\t95 % interval\tp90\t"
	if base != 0 {
		header += "/ " + o.Base + "\t"
	}
	fmt.Fprintln(table, header)
	for _, c := range o.Cases {
		fmt.Fprintf(table, "%s\t%s %s\t%s to %s\t%s\t", c.Case, number(c.Median.Value), c.Unit, number(c.Median.Lo), number(c.Median.Hi), number(c.P90))
		if base != 0 {
			fmt.Fprintf(table, "%.2f\t", c.Median.Value/base)
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, note := range o.Notes {
		fmt.Fprintln(w, note)
	}
	fmt.Fprintln(w)
	for _, f := range o.Figures {
		fmt.Fprintln(w, f.result(o.Name))
	}
	return nil
}

// number writes a measurement with three digits or more.
func number(v float64) string {
	switch {
	case v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10 || v <= -10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
