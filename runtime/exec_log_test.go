package runtime

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/containerlog"
)

// newHookLog is a container's log in two files, for lines of a postStart.
func newHookLog(t *testing.T) (lines *containerlog.HookLog, stdout, stderr string) {
	t.Helper()
	stdout, stderr = newFile(t, "of the container\n"), newFile(t, "")
	l, err := containerlog.New(stdout, stderr, false)
	must(t, err)
	return l.For(hooks.PostStart), stdout, stderr
}

func newFIFO(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	must(t, unix.Mkfifo(path, 0o600))
	return path
}

// openReader opens a FIFO for reading, which does not need a writer.
func openReader(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// fromNow waits until somebody writes into a FIFO: before, it reads as ended.
func fromNow(t *testing.T, r *os.File) io.Reader {
	t.Helper()
	fds := []unix.PollFd{{Fd: int32(r.Fd()), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 60_000)
		if err == unix.EINTR {
			continue
		}
		must(t, err)
		if n == 0 {
			t.Fatal("nobody writes")
		}
		return r
	}
}

func newFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func contents(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data)
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	eventually(t, path+" to have "+want, func() bool { return contents(t, path) == want })
}

const twoStreams = "echo one; echo two >&2; printf three"

func TestExecPrintsIntoTheContainersLog(t *testing.T) {
	c := startContainer(t, nil)
	lines, stdout, stderr := newHookLog(t)
	h := c.executor.Handler(c.Container, &hooks.Exec{Command: []string{"sh", "-c", twoStreams}}, lines)
	wantReport(t, h.Run(t.Context()), hooks.Report{Stdout: []byte("one\nthree"), Stderr: []byte("two\n")})
	wantFile(t, stdout, "of the container\n[postStart] one\n[postStart] three\n")
	wantFile(t, stderr, "[postStart] two\n")
}

func TestBegunPrintsIntoTheContainersLog(t *testing.T) {
	c := startContainer(t, nil)
	lines, stdout, stderr := newHookLog(t)
	b := c.executor.Begin(t.Context(), c.Container, &hooks.Exec{Command: []string{"sh", "-c", twoStreams}}, lines)
	wantReport(t, b.Run(t.Context()), hooks.Report{Stdout: []byte("one\nthree"), Stderr: []byte("two\n")})
	wantFile(t, stdout, "of the container\n[postStart] one\n[postStart] three\n")
	wantFile(t, stderr, "[postStart] two\n")
}

// What a child prints within the second goes into the log, what it prints later
// does not; and it lives on.
func TestExecsChildrenPrintIntoTheLogForASecond(t *testing.T) {
	c := startContainer(t, nil)
	for _, fifo := range []string{"one", "two"} {
		must(t, exec.Command("mkfifo", filepath.Join(c.rootfs, "scratch", fifo)).Run())
	}
	lines, stdout, _ := newHookLog(t)
	h := c.executor.Handler(c.Container, &hooks.Exec{Command: []string{"sh", "-c", `
echo before
(read x </scratch/one; echo soon; printf unfinished; read x </scratch/two; echo late; echo alive >/scratch/wrote) &
exit 0`}}, lines)
	report := h.Run(t.Context())
	wantReport(t, report, hooks.Report{Stdout: []byte("before\n")})
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/one"), []byte("\n"), 0))
	<-report.Late
	want := "of the container\n[postStart] before\n[postStart] soon\n[postStart] unfinished\n"
	wantFile(t, stdout, want)
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/two"), []byte("\n"), 0))
	eventually(t, "the child's end", func() bool {
		got, _ := os.ReadFile(filepath.Join(c.rootfs, "scratch/wrote"))
		return string(got) == "alive\n"
	})
	if got := contents(t, stdout); got != want {
		t.Errorf("later the log has %q", got)
	}
}

// A child that holds the output keeps nobody in the log's FIFO for longer.
func TestExecsChildrenDoNotHoldTheLog(t *testing.T) {
	c := startContainer(t, nil)
	must(t, exec.Command("mkfifo", filepath.Join(c.rootfs, "scratch/one")).Run())
	path := newFIFO(t)
	r := openReader(t, path)
	l, err := containerlog.New(path, "", false)
	must(t, err)
	h := c.executor.Handler(c.Container, &hooks.Exec{Command: []string{"sh", "-c",
		"echo hello; (read x </scratch/one; echo soon; exec sleep 1001) & exit 0"}}, l.For(hooks.PreStop))
	wantReport(t, h.Run(t.Context()), hooks.Report{Stdout: []byte("hello\n")})
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/one"), []byte("\n"), 0))
	got, err := io.ReadAll(fromNow(t, r)) // returns when the last writer closes it
	if err != nil || string(got) != "[preStop] hello\n[preStop] soon\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A hook that prints without end, while nobody reads, comes to its own end.
func TestALogThatIsNotReadDoesNotHoldAHookUp(t *testing.T) {
	c := startContainer(t, nil)
	path := newFIFO(t)
	openReader(t, path)
	l, err := containerlog.New(path, path, false)
	must(t, err)
	h := c.executor.Handler(c.Container, &hooks.Exec{Command: []string{"sh", "-c", "yes | head -c 3000000; exit 7"}}, l.For(hooks.PreStop))
	report := h.Run(t.Context())
	if report.Cause != hooks.CauseExitCode || report.ExitCode != 7 || len(report.Stdout) != outputTail {
		t.Errorf("%s, %d, %d bytes", report.Cause, report.ExitCode, len(report.Stdout))
	}
}
