package runtime

import (
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
)

// A process that a hook left may print and end between the moment at which the
// hook's output was taken and the one at which its end is found.
func TestLateOutputOfAWriterThatIsGone(t *testing.T) {
	stdout, stdoutEnd, err := newOutput()
	must(t, err)
	stderr, stderrEnd, err := newOutput()
	must(t, err)
	r := &execRun{stdout: stdout, stderr: stderr}
	stderrEnd.Close()
	_, err = stdoutEnd.WriteString("hook\n")
	must(t, err)
	if got, all := r.stdout.drain(); string(got) != "hook\n" || all {
		t.Fatalf("drained %q, all: %t", got, all)
	}
	_, err = stdoutEnd.WriteString("late\n")
	must(t, err)
	stdoutEnd.Close()
	<-r.stdout.end
	<-r.stderr.end
	got := make(chan hooks.Printed, 1)
	r.finish(got)
	select {
	case late := <-got:
		if string(late.Stdout) != "hook\nlate\n" {
			t.Errorf("late output %q", late.Stdout)
		}
	case <-time.After(time.Minute):
		t.Error("no late output")
	}
}
