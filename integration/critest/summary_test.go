package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func sampleVerdict() verdict {
	outcomes := func(states ...string) map[string]outcome {
		tests := map[string]outcome{}
		for i := 0; i < len(states); i += 2 {
			state, message, _ := strings.Cut(states[i+1], " ")
			tests[states[i]] = outcome{State: state, Message: message}
		}
		return tests
	}
	return verdict{
		Runs: []run{
			{"bookend", results{outcomes("fine", "passed", "digest", "failed no image\nat 10:01", "nri", "skipped no socket",
				"nri 2", "skipped no socket", "exec", "failed exit status 1\nat 10:02", "odd", "timedout too long"), 87 * time.Second}},
			{"runc", results{outcomes("digest", "failed none\nat 10:03", "nri", "skipped no socket", "nri 2", "skipped no socket",
				"exec", "passed", "odd", "passed"), time.Second}},
		},
		Both: []string{"digest", "nri", "nri 2"}, Flaky: []string{"odd"}, OnlyOurs: []string{"exec"},
	}
}

func TestPrintVerdict(t *testing.T) {
	var out strings.Builder
	if err := printVerdict(&out, sampleVerdict()); !errors.Is(err, errOnlyOurs) || !strings.HasSuffix(err.Error(), ": 1") {
		t.Errorf("%v, want errOnlyOurs of one test", err)
	}
	const want = `
run  handler  passed  failed  skipped  time
1    bookend  1       3       2        1m27s
2    runc     2       1       2        1s

skipped with both shims: 2
    2: no socket
failed with both shims: 1
    digest
        run 1, bookend: failed no image
        run 2, runc: failed none
failed with bookend, but not steadily when repeated: 1
    odd
        run 1, bookend: timedout too long
        run 2, runc: passed
fails with bookend alone: 1
    exec
        run 1, bookend: failed exit status 1
            at 10:02
        run 2, runc: passed
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}

func TestHead(t *testing.T) {
	for message, want := range map[string]string{"": "", "a\n": "a", "a\nb": "a\n            b", "\na\nb\nc": "a\n            b"} {
		if got := head(message, 2); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}

// What fails with both shims, or once, is told and fails nothing.
func TestVerdictThatIsGood(t *testing.T) {
	v := sampleVerdict()
	v.OnlyOurs = nil
	var out strings.Builder
	if err := printVerdict(&out, v); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(out.String(), "fails with bookend alone: 0\n") {
		t.Errorf("printed %q", out.String())
	}
}
