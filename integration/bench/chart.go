package main

import (
	"fmt"
	"strings"

	"bookend.dev/bookend/integration/harness"
)

// bar is one row of a chart.
type bar struct {
	label, value string
	interval
	ours  bool
	scale float64 // what fills the whole width
}

// Sizes of a chart, in pixels.
const (
	chartWidth  = 860.0
	labelWidth  = 330.0
	valueWidth  = 110.0
	rowHeight   = 26.0
	barHeight   = 16.0
	chartMargin = 12.0
	plotWidth   = chartWidth - labelWidth - valueWidth - 2*chartMargin
)

// chart draws bars below each other, each with its interval. mark, where it is
// not 0, is drawn as a line across, in units of the bars' scale.
func chart(title string, bars []bar, mark float64) []byte {
	s := &svg{width: chartWidth, height: float64(len(bars)+1)*rowHeight + 2*chartMargin}
	s.text(chartMargin, chartMargin+barHeight, "start", title)
	left := chartMargin + labelWidth
	for i, b := range bars {
		top := chartMargin + float64(i+1)*rowHeight + (rowHeight-barHeight)/2
		at := func(v float64) float64 { return left + min(max(v/b.scale, 0), 1)*plotWidth }
		colour := otherColour
		if b.ours {
			colour = oursColour
		}
		middle := top + barHeight/2
		s.text(left-8, middle+4, "end", b.label)
		s.rect(left, top, at(b.Value)-left, barHeight, colour)
		s.line(at(b.Lo), middle, at(b.Hi), middle, inkColour)
		s.text(left+plotWidth+8, middle+4, "start", b.value)
	}
	if mark != 0 {
		s.line(left+mark*plotWidth, chartMargin+rowHeight, left+mark*plotWidth, s.height-chartMargin, goalColour)
	}
	return s.bytes()
}

// chart draws the medians of the cases; those of one unit have one scale.
func (o *outcome) chart() []byte {
	scales := map[string]float64{}
	for _, c := range o.Cases {
		scales[c.Unit] = max(scales[c.Unit], c.Median.Hi)
	}
	var bars []bar
	for _, c := range o.Cases {
		bars = append(bars, bar{
			c.Case, number(c.Median.Value) + " " + c.Unit, c.Median, strings.HasSuffix(c.Case, harness.Bookend), scales[c.Unit],
		})
	}
	return chart(o.About+" (median and its 95 % interval)", bars, 0)
}

// goalScale is how many times its goal a figure may be to fit into the chart.
const goalScale = 2

// goalChart draws each figure in units of its goal. Where more is better, it is
// drawn upside down, so that the better ones are always the shorter.
func (r *results) goalChart() []byte {
	var bars []bar
	for _, o := range r.Outcomes {
		for _, f := range o.Figures {
			if f.Goal == nil || f.Goal.Limit == 0 {
				continue
			}
			share := interval{f.Value / f.Goal.Limit, f.Lo / f.Goal.Limit, f.Hi / f.Goal.Limit}
			if f.Goal.AtLeast {
				share = interval{1 / share.Value, 1 / share.Hi, 1 / share.Lo}
			}
			value := fmt.Sprintf("%s (%s)", number(f.Value), f.Goal)
			bars = append(bars, bar{o.Name + " " + strings.ReplaceAll(f.Name, "_", " "), value, share, !f.missed(), goalScale})
		}
	}
	return chart("Figures in units of their goals: the line is the goal, and shorter is better", bars, 1.0/goalScale)
}
