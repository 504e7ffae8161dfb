package vm

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// bound is how long a guest may take: several times what one needs that is
// emulated on a machine with other things to do. The test process itself may
// have less, of which some must be left to report in.
const bound, toReport = 15 * time.Minute, 10 * time.Second

func find(t *testing.T) (m Machine, root string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	m, err = Find(root)
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m, root
}

// guest boots a guest with what fill puts into its archive.
func guest(t *testing.T, m Machine, fill func(*Archive)) Result {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "initramfs"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := NewArchive(file)
	archive.System()
	fill(archive)
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	end := start.Add(bound)
	if d, ok := t.Deadline(); ok && d.Add(-toReport).Before(end) {
		end = d.Add(-toReport)
	}
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	result, err := m.Run(ctx, file.Name(), watch(t))
	if err != nil {
		t.Fatalf("%v\n%s", err, unseen(result))
	}
	t.Logf("ran for %v", time.Since(start).Round(time.Second))
	return result
}

// watch shows the console as it comes under go test -v.
func watch(t *testing.T) io.Writer {
	if testing.Verbose() {
		return t.Output()
	}
	return io.Discard
}

// unseen is the console unless it was shown.
func unseen(r Result) string {
	if testing.Verbose() {
		return ""
	}
	return r.Console
}

// The tests of package runtime that start exec hooks in containers, kill them
// and count what they use, where the kernel has cgroup v2 and nothing else.
// What does not depend on cgroups, or repeats itself many times, is left out.
func TestExecHooksOnCgroupV2(t *testing.T) {
	m, root := find(t)
	tests := filepath.Join(t.TempDir(), "runtime.test")
	build := exec.Command("go", "test", "-c", "-o", tests, "./runtime")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the tests of package runtime: %v: %s", err, out)
	}
	result := guest(t, m, func(a *Archive) {
		a.Program("/guest/runtime.test", tests)
		a.Program("/guest/runc", program(t, "BOOKEND_TEST_RUNC", filepath.Join(root, ".cache/tools/bin/runc")))
		a.Program("/guest/bookend-exec", program(t, "BOOKEND_TEST_EXEC", filepath.Join(root, "bin/bookend-exec")))
		a.Command(`cat /sys/fs/cgroup/cgroup.controllers
export BOOKEND_TEST_RUNC=/guest/runc BOOKEND_TEST_EXEC=/guest/bookend-exec
exec /guest/runtime.test -test.v -test.parallel 4 -test.timeout 10m \
	-test.run 'Cgroup|OnV2|ExecCancelled|ExecTree|ExecKilled|ExecSucceeded|ExecRuns|ExecShares|ExecReportsHow|CannotBeJoined|InitIsNotAlive|StagedRunsAs|StagedContainerIs|StagedDiscarded|StagedCancelled|PreparedStages|RunnerMoves' \
	-test.skip 'AtAnyMoment|ExecRunsAsRuncExecDoes/(confined|seccomp|host)'`)
	})
	passed := regexp.MustCompile(`(?m)^--- PASS: (\w+)`).FindAllStringSubmatch(result.Console, -1)
	skipped := strings.Contains(result.Console, "--- SKIP")
	if result.Status != 0 || skipped || len(passed) < 15 {
		t.Fatalf("status %d, %d tests passed, skipped: %v\n%s", result.Status, len(passed), skipped, unseen(result))
	}
	for _, p := range passed {
		t.Log(p[1])
	}
}

// program is the path in the environment variable, or the default.
func program(t *testing.T, variable, byDefault string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = byDefault
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%v; run `make tools build` first", err)
	}
	return path
}

func TestAGuestsFailureIsSeen(t *testing.T) {
	m, _ := find(t)
	result := guest(t, m, func(a *Archive) { a.Command("echo about to fail; exit 7") })
	if result.Status != 7 || !strings.Contains(result.Console, "about to fail\n") {
		t.Errorf("status %d, console:\n%s", result.Status, result.Console)
	}
}
