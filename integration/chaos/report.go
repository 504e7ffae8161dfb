package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// report is what a run has come to. It is safe for concurrent use.
type report struct {
	print   func(string)
	verbose bool
	begun   time.Time

	mu      sync.Mutex
	rounds  int
	planned map[string]int // rounds, by topic
	shown   map[string]int // how often each topic's fault really happened
	broken  map[string]int // violations, by rule
	first   map[string]int // how many rounds had ended when a topic first broke a rule
	leaks   []string
}

func newReport(print func(string), verbose bool) *report {
	return &report{
		print: print, verbose: verbose, begun: time.Now(),
		planned: map[string]int{}, shown: map[string]int{}, broken: map[string]int{}, first: map[string]int{},
	}
}

// add takes a round, and prints it where it broke a promise.
func (r *report) add(h *history, found []violation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := h.Plan.Topic.name
	r.rounds++
	r.planned[name]++
	r.shown[name] += h.Plan.Topic.shown(h)
	for _, v := range found {
		r.broken[v.Rule]++
	}
	if len(found) > 0 && r.first[name] == 0 {
		r.first[name] = r.rounds
	}
	if len(found) > 0 || r.verbose {
		r.print(h.tell(found))
	}
}

// leak takes what a pass has left behind.
func (r *report) leak(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leaks = append(r.leaks, err.Error())
	r.print(err.Error())
}

// missed tells whether a fault was planned and has not happened.
func (r *report) missed(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.planned[name] > 0 && r.shown[name] == 0
}

// failures says why the run has failed; empty: it has not. A fault that was
// planned and never happened fails it too.
func (r *report) failures() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var why []string
	for _, rule := range slices.Sorted(maps.Keys(r.broken)) {
		why = append(why, fmt.Sprintf("broken in %d rounds: %s", r.broken[rule], rule))
	}
	if n := len(r.leaks); n > 0 {
		why = append(why, fmt.Sprintf("something was left behind in %d passes", n))
	}
	for _, name := range slices.Sorted(maps.Keys(r.planned)) {
		if r.shown[name] == 0 {
			why = append(why, fmt.Sprintf("planned %d times, and never happened: %s", r.planned[name], name))
		}
	}
	return why
}

// summary is a table of the faults.
func (r *report) summary() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%d rounds in %s\n%-40s %7s %9s  %s\n", r.rounds, time.Since(r.begun).Round(time.Second), "FAULT", "ROUNDS", "HAPPENED", "FIRST BROKE A RULE")
	for _, name := range slices.Sorted(maps.Keys(r.planned)) {
		first := "-"
		if n := r.first[name]; n > 0 {
			first = fmt.Sprintf("round %d that ended", n)
		}
		fmt.Fprintf(&b, "%-40s %7d %9d  %s\n", name, r.planned[name], r.shown[name], first)
	}
	return b.String()
}

// tell describes a round in full.
func (h *history) tell(found []violation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (container %s)\n", h.Plan, h.ID)
	for _, v := range found {
		fmt.Fprintf(&b, "  BROKEN: %s: %s\n", v.Rule, v.How)
	}
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	for _, c := range h.Calls {
		lines = append(lines, line{c.Began, "call    " + c.String()})
	}
	for _, m := range h.Marks {
		lines = append(lines, line{m.At, "trace   " + m.What})
	}
	for _, c := range h.Runtime {
		if c.Verb != "create" && c.Verb != "state" {
			lines = append(lines, line{c.At, fmt.Sprintf("runtime %s %d: %s", c.Verb, c.Signal, c.Mode)})
		}
	}
	for _, rec := range h.Records {
		lines = append(lines, line{rec.Started, fmt.Sprintf("record  %s attempt %d: %s %s after %.3fs", rec.Hook, rec.Attempt, rec.Outcome, rec.Cause, rec.DurationSeconds)})
	}
	for what, s := range map[string]span{"runtime broken": h.Broken, "shim starved": h.Starved} {
		if !s.From.IsZero() {
			lines = append(lines, line{s.From, fmt.Sprintf("fault   %s until %s", what, clockTime(s.To))})
		}
	}
	lines = append(lines, line{h.Ended, fmt.Sprintf("driver  ended; the init lives: %t", h.Survived)})
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	for _, l := range lines {
		fmt.Fprintf(&b, "    %s %s\n", clockTime(l.at), l.text)
	}
	return b.String()
}

func (c call) String() string {
	s := string(c.Op)
	if c.Signal > 0 {
		s += fmt.Sprintf(" %d", c.Signal)
	}
	switch {
	case c.Ended.IsZero():
		return s + ": no reply"
	case c.Err != "":
		s += ": " + c.Err
	default:
		s += ": ok"
	}
	return s + fmt.Sprintf(" (%s)", c.Ended.Sub(c.Began).Round(time.Millisecond))
}
