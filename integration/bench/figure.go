package main

import "fmt"

// goal is what a figure must reach, and what it is meant to.
type goal struct {
	Limit   float64 `json:"limit"`
	Aim     float64 `json:"aim"`
	AtLeast bool    `json:"atLeast,omitempty"` // else: at most
}

func atMost(limit, aim float64) *goal { return &goal{Limit: limit, Aim: aim} }

func (g goal) String() string {
	if g.AtLeast {
		return fmt.Sprintf(">= %v", g.Limit)
	}
	return fmt.Sprintf("<= %v", g.Limit)
}

// figure is what a benchmark is about: a number with an interval, and what it
// must reach.
type figure struct {
	Name string `json:"name"` // without blanks
	interval
	Goal *goal `json:"goal"` // nil: for information
}

// missed tells whether the figure falls short: even the better end of its
// interval does.
func (f figure) missed() bool {
	switch {
	case f.Goal == nil:
		return false
	case f.Goal.AtLeast:
		return f.Hi < f.Goal.Limit
	default:
		return f.Lo > f.Goal.Limit
	}
}

// verdict is the same in words, and tells which figures may only owe it to
// their interval that they don't fall short.
func (f figure) verdict() string {
	switch {
	case f.Goal == nil:
		return "no goal"
	case f.missed():
		return "MISSED"
	case f.Goal.AtLeast && f.Value < f.Goal.Limit, !f.Goal.AtLeast && f.Value > f.Goal.Limit:
		return "within the interval"
	default:
		return "reached"
	}
}

// result is the line that programs read.
func (f figure) result(benchmark string) string {
	goal, reached := "none", ""
	if f.Goal != nil {
		goal, reached = fmt.Sprintf("%v", f.Goal.Limit), fmt.Sprintf(" reached=%t aim=%v", !f.missed(), f.Goal.Aim)
	}
	return fmt.Sprintf("RESULT %s %s=%.4g goal=%s lo=%.4g hi=%.4g%s", benchmark, f.Name, f.Value, goal, f.Lo, f.Hi, reached)
}
