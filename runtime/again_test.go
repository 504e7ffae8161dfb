package runtime

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// again runs tests of this binary once more, in a process of their own that has
// namespaces of its own, as flags of unshare(1) name them, and that a script has
// prepared. All n of them must pass.
func again(t *testing.T, tests string, n int, unshare []string, script string) {
	t.Helper()
	binaries(t)
	if os.Getenv("BOOKEND_TEST_AGAIN") != "" {
		t.Skip("this is the other run")
	}
	t.Parallel()
	self, err := os.Executable()
	must(t, err)
	args := slices.Concat(unshare, []string{"sh", "-ec", script + "\n" + `exec "$@"`, "sh", self}, []string{"-test.run", tests, "-test.v", "-test.timeout", "5m"})
	cmd := exec.Command("unshare", args...)
	cmd.Env = append(os.Environ(), "BOOKEND_TEST_AGAIN=yes")
	out, err := cmd.CombinedOutput()
	if err != nil {
		progress := regexp.MustCompile(`(?m)^(=== | *--- PASS).*\n`)
		t.Errorf("%v:\n%s", err, progress.ReplaceAll(out, nil))
	}
	if passed := strings.Count(string(out), "\n--- PASS: "); passed != n {
		t.Errorf("%d tests passed, want %d:\n%s", passed, n, out)
	}
}

// inAgain skips a test that is run by [again] alone.
func inAgain(t *testing.T) {
	t.Helper()
	if os.Getenv("BOOKEND_TEST_AGAIN") == "" {
		t.Skip("another test runs this one, in a process of its own")
	}
}
