package runtime

import (
	"slices"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
)

// BenchmarkExecTrue runs /bin/true as a hook, in turns staged and not, and gives
// the medians: of a staged one from the opening of its gate.
func BenchmarkExecTrue(b *testing.B) {
	c := createAnother(b, nil)
	c.runcDo("start", c.ID)
	spec := &hooks.Exec{Command: []string{"/bin/true"}}
	var staged, unstaged []time.Duration
	for b.Loop() {
		s := c.stage(spec)
		staged = append(staged, c.timed(s))
		unstaged = append(unstaged, c.timed(c.handler(spec)))
	}
	b.ReportMetric(micros(staged), "staged-µs")
	b.ReportMetric(micros(unstaged), "unstaged-µs")
	b.ReportMetric(0, "ns/op") // of both, with the staging: says nothing
}

func (c *testContainer) timed(h hooks.Handler) time.Duration {
	begun := time.Now()
	report := h.Run(c.Context())
	took := time.Since(begun)
	if report.Cause != "" {
		c.Fatalf("%s: %v", report.Cause, report.Err)
	}
	return took
}

// micros is the median in microseconds.
func micros(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Nanoseconds()) / 1000
}
