package runtime

import (
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// cost is what something took.
type cost struct{ time, cpu time.Duration }

// measure adds what f takes: time, and CPU of this process and of the children
// that it has waited for, which in turn have waited for theirs.
func (c *cost) measure(tb testing.TB, f func()) {
	tb.Helper()
	used, start := cpuTime(tb), time.Now()
	f()
	c.time += time.Since(start)
	c.cpu += cpuTime(tb) - used
}

func cpuTime(tb testing.TB) (sum time.Duration) {
	tb.Helper()
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var usage unix.Rusage
		must(tb, unix.Getrusage(who, &usage))
		sum += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return sum
}

// A hook beside runc exec, in turn, in the same container.
func BenchmarkHookAgainstRuncExec(b *testing.B) {
	for name, edit := range map[string]func(*specs.Spec){
		"plain":   func(*specs.Spec) {},
		"seccomp": func(s *specs.Spec) { s.Linux.Seccomp = refuseMkdir() },
	} {
		b.Run(name, func(b *testing.B) {
			c := createAnother(b, func(s *specs.Spec) {
				s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
				edit(s)
			})
			c.runcDo("start", c.ID)
			if got := c.hook("true"); got.Cause != "" { // and the plan is made
				b.Fatalf("%v: %s", got.Err, got.Stderr)
			}
			c.runcExec("true")
			var hook, exec cost
			for b.Loop() {
				hook.measure(b, func() { c.hook("true") })
				exec.measure(b, func() { c.runcExec("true") })
			}
			b.ReportMetric(hook.time.Seconds()/exec.time.Seconds(), "time/exec's")
			b.ReportMetric(hook.cpu.Seconds()/exec.cpu.Seconds(), "cpu/exec's")
		})
	}
}
