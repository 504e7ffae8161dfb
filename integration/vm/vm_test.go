package vm

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
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
	m, err = Find(root, guestArch())
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
	archive.System(m)
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
	if errors.Is(err, ErrSilent) {
		t.Logf("%v; it is booted once more. Its console:\n%s", err, unseen(result))
		result, err = m.Run(ctx, file.Name(), watch(t))
	}
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

// runtimeTests boots a guest that runs tests or benchmarks of package runtime
// with these arguments.
func runtimeTests(t *testing.T, arguments string) Result {
	t.Helper()
	m, root := find(t)
	tests := filepath.Join(t.TempDir(), "runtime.test")
	build := exec.Command("go", "test", "-c", "-o", tests, "./runtime")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+guestArch())
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the tests of package runtime: %v: %s", err, out)
	}
	return guest(t, m, func(a *Archive) {
		if _, err := os.Stat(debian(root)); err == nil {
			a.Tree("/guest/debian", debian(root))
		}
		a.Program("/guest/runtime.test", tests)
		a.Program("/guest/runc", program(t, "BOOKEND_TEST_RUNC", filepath.Join(root, ".cache/tools/bin/runc")))
		a.Program("/guest/bookend-exec", program(t, "BOOKEND_TEST_EXEC", filepath.Join(root, "bin/bookend-exec")))
		a.Command(`cat /sys/fs/cgroup/cgroup.controllers
export BOOKEND_TEST_RUNC=/guest/runc BOOKEND_TEST_EXEC=/guest/bookend-exec BOOKEND_TEST_DEBIAN=/guest/debian
exec /guest/runtime.test -test.timeout 10m ` + arguments)
	})
}

// debian is where `make vm-programs` puts Debian's.
func debian(root string) string { return filepath.Join(Dir(root, guestArch()), "debian") }

// guestArch is the architecture of guests: what BOOKEND_VM_ARCH says, or this
// machine's.
func guestArch() string { return cmp.Or(os.Getenv("BOOKEND_VM_ARCH"), runtime.GOARCH) }

// The tests of package runtime that start exec hooks in containers, kill them
// and count what they use, where the kernel has cgroup v2 and nothing else; and
// those for which it must have AppArmor, or the tests more capabilities.
// What does not depend on the kernel, is about cgroup v1 alone, or repeats itself many
// times, is left out.
func TestExecHooksOnCgroupV2(t *testing.T) {
	skip := `AtAnyMoment|ExecRunsAsRuncExecDoes/(confined|seccomp|host)|FrozenInACgroupThatIsNotNoted` + lacking(t)
	result := runtimeTests(t, `-test.v -test.parallel 4 -test.skip '`+skip+`' -test.run '`+
		`Cgroup|OnV2|Session|Guard|ExecCancelled|ExecTree|ExecKilled|ExecSucceeded|ExecRuns|ExecShares|ExecReportsHow|CannotBeJoined|InitIsNotAlive|StagedRunsAs|StagedContainerIs|StagedDiscarded|StagedCancelled|PreparedStages|RunnerMoves|AppArmor|MoreThanTheShimHas`+`'`)
	passed := regexp.MustCompile(`(?m)^--- PASS: (\w+)`).FindAllStringSubmatch(result.Console, -1)
	skipped := strings.Contains(result.Console, "--- SKIP")
	if result.Status != 0 || skipped || len(passed) < 15 {
		t.Fatalf("status %d, %d tests passed, skipped: %v\n%s", result.Status, len(passed), skipped, unseen(result))
	}
	for _, p := range passed {
		t.Log(p[1])
	}
}

// What a hook costs there, in units of runc exec: printed, and no test. It is
// rough, for what is emulated is not equally slow in all.
func TestBenchOnCgroupV2(t *testing.T) {
	if os.Getenv("BOOKEND_VM_BENCH") == "" {
		t.Skip("no test: `make bench-vm` runs it")
	}
	result := runtimeTests(t, `-test.run '^$' -test.bench AgainstRuncExec -test.benchtime 10x`)
	found := regexp.MustCompile(`(?m)^Benchmark.*$`).FindAllString(result.Console, -1)
	if result.Status != 0 || found == nil {
		t.Fatalf("status %d\n%s", result.Status, unseen(result))
	}
	for _, line := range found {
		t.Log(line)
	}
}

// lacking continues a pattern with the tests of programs that are fetched for amd64
// alone.
func lacking(t *testing.T) (pattern string) {
	t.Helper()
	_, root := find(t)
	for file, tests := range map[string]string{"usr/bin/java": "Java", "usr/bin/node": "Node", "usr/sbin/apparmor_parser": "AppArmor"} {
		if _, err := os.Stat(filepath.Join(debian(root), file)); err != nil {
			if guestArch() == "amd64" {
				t.Fatalf("%v; run `make vm-programs`", err)
			}
			t.Logf("left out: tests with %s, which is fetched for amd64 alone", tests)
			pattern += "|" + tests
		}
	}
	return pattern
}

// program is the path in the environment variable, or the default.
func program(t *testing.T, variable, byDefault string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = byDefault
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; run `make tools build` first", err)
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
