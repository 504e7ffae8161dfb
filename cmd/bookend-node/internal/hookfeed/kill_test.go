package hookfeed

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// roleEnv makes the test binary one of the processes of a node.
const roleEnv = "HOOKFEED_TEST_ROLE"

// shim runs hooks, and dies while the last of them runs.
func shim(dir string) {
	store := record.Open(dir, record.Limits{})
	begin := func(p hooks.Point, attempt int) *record.Entry {
		return store.Begin(record.Record{
			Subject: record.Subject{Namespace: "k8s.io", Container: "c"}, Hook: p, Handler: hooks.HandlerExec,
			Attempt: attempt, Started: time.Now(),
		})
	}
	begin(hooks.PostStart, 1).End(record.End{Outcome: hooks.Succeeded, Run: hooks.Succeeded})
	begin(hooks.PreStop, 1).End(record.End{Outcome: hooks.Failed})
	begin(hooks.PreStop, 2)
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
}

// agent takes facts into a file until all is told; killed at a step, a step being
// what is before or after a fact is taken.
func agent(dir, cursor, taken string, killAt int) {
	step := 0
	at := func() {
		if step++; step == killAt {
			_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		}
	}
	out, err := os.OpenFile(taken, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	f, err := Open(Options{Directory: dir, Cursor: cursor, Log: func(err error) { panic(err) }})
	if err == nil {
		err = f.poll()
	}
	if err == nil {
		f.tell(context.Background(), func(_ context.Context, fact Fact) error {
			at()
			_, err := fmt.Fprintln(out, fact.Kind, fact.ID, fact.Run)
			at()
			return err
		})
	}
	if err != nil {
		panic(err)
	}
}

// start runs the test binary in a role, and tells whether it was killed.
func start(t *testing.T, role string, args ...string) (killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", role, err, out)
	}
	return false
}

func TestAnAgentThatIsKilledLosesNothingAndDoublesOneFactAtMost(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bookend")
	if !start(t, "shim", dir) {
		t.Fatal("the shim did not die")
	}
	all := take(t, dir, 0)
	// Three attempts began and ended.
	if len(all) != 6 || !slices.ContainsFunc(all, func(l string) bool { return strings.HasSuffix(l, " Unknown") }) {
		t.Fatalf("told %q", all)
	}
	for killAt := 1; killAt <= 2*len(all); killAt++ {
		got := take(t, dir, killAt)
		// The fact whose taking was over before the cursor was written comes again.
		want := slices.Clone(all)
		if killAt%2 == 0 {
			want = slices.Insert(want, killAt/2, all[killAt/2-1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("killed at step %d: got %q, want %q", killAt, got, want)
		}
	}
}

// take lets an agent without a cursor take what there is, which is killed once, and
// returns what was taken.
func take(t *testing.T, dir string, killAt int) []string {
	t.Helper()
	state := t.TempDir()
	taken := filepath.Join(state, "taken")
	args := []string{dir, filepath.Join(state, "cursor"), taken}
	if killAt > 0 && !start(t, "agent", append(args, strconv.Itoa(killAt))...) {
		t.Fatalf("the agent was not killed at step %d", killAt)
	}
	start(t, "agent", append(args, "0")...)
	f, err := os.Open(taken)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}
