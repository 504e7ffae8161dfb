package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// draw writes benchmarks.md and its charts into dir.
func (r *results) draw(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files := map[string][]byte{
		"benchmarks.md":   []byte(r.document()),
		"bench-goals.svg": r.goalChart(),
	}
	for _, o := range r.Outcomes {
		files[o.chartFile()] = o.chart()
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (o *outcome) chartFile() string { return "bench-" + o.Name + ".svg" }

const documentHead = `# Benchmarks

` + "`make bench`" + ` measures bookend beside containerd's own runc shim of the same version, the kubelet's
way to run hooks on that shim (StartContainer and then ExecSync; ExecSync and then StopContainer),
` + "`runc exec`, `crun exec` and `nsenter`" + `, and hooks in containers of several runtimes.
` + "`make bench BENCH=name`" + ` runs one benchmark, ` + "`QUICK=1`" + ` a short form. This page and its charts are made from one run by
` + "`make bench ARGS='-charts docs'`" + `, or from an earlier one's results by
` + "`go run ./integration/bench -from .cache/bench/results.json -charts docs`" + `.

All cases of a benchmark run in turn, in one run, on one private containerd, in an order that
changes from round to round: whatever else the machine does, it does to all of them. Figures are
computed from medians. The 95 % intervals are bootstrapped over whole rounds. A figure falls short
of its goal where even the better end of its interval does; the aim is what it is meant to reach.
The slower the machine, the fewer the rounds: the whole takes less than fifteen minutes. Records are
kept in memory, as in /run on a node.
`

// document is benchmarks.md.
func (r *results) document() string {
	var b strings.Builder
	b.WriteString(documentHead)
	fmt.Fprintf(&b, "\nMeasured on %s: %d CPUs (%s), Linux %s, cgroup %s", r.Began.UTC().Format("2006-01-02"),
		r.Machine.CPUs, r.Machine.CPU, r.Machine.Kernel, r.Machine.Cgroups)
	for _, program := range slices.Sorted(maps.Keys(r.Machine.Versions)) {
		fmt.Fprintf(&b, "; %s", r.Machine.Versions[program])
	}
	b.WriteString(".\n")
	if slices.ContainsFunc(r.Outcomes, func(o *outcome) bool { return o.Quick }) {
		b.WriteString("\n**This was the short form: the figures are rough.**\n")
	}
	b.WriteString("\n## Goals\n\n![figures in units of their goals](bench-goals.svg)\n\n")
	b.WriteString("| benchmark | figure | value | 95 % interval | goal | aim | |\n|---|---|---|---|---|---|---|\n")
	for _, o := range r.Outcomes {
		for _, f := range o.Figures {
			goal, aim := "none", ""
			if f.Goal != nil {
				goal, aim = f.Goal.String(), number(f.Goal.Aim)
			}
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s to %s | %s | %s | %s |\n", o.Name, f.Name,
				number(f.Value), number(f.Lo), number(f.Hi), goal, aim, f.verdict())
		}
	}
	for _, o := range r.Outcomes {
		b.WriteString(o.section())
	}
	return b.String()
}

func (o *outcome) section() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n%s; %d rounds.\n\n![%s](%s)\n\n", o.Name, capital(o.About), o.Rounds, o.Name, o.chartFile())
	b.WriteString("| case | median | 95 % interval | p90 |")
	base := o.base()
	if base != 0 {
		fmt.Fprintf(&b, " / %s |", o.Base)
	}
	b.WriteString("\n|---|---|---|---|" + strings.Repeat("---|", min(1, len(o.Base))) + "\n")
	for _, c := range o.Cases {
		fmt.Fprintf(&b, "| %s | %s %s | %s to %s | %s |", c.Case, number(c.Median.Value), c.Unit,
			number(c.Median.Lo), number(c.Median.Hi), number(c.P90))
		if base != 0 {
			fmt.Fprintf(&b, " %.2f |", c.Median.Value/base)
		}
		b.WriteString("\n")
	}
	for _, note := range o.Notes {
		b.WriteString("\n" + note + "\n")
	}
	return b.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
