package runtime

import (
	"os"
	"slices"
	"testing"

	"bookend.dev/bookend/runtime/joiner"
)

// wantRuntime runs two hooks, which the runtime's own exec must run, for the
// reason that is told once: at first, or after the plan has been told of.
func (c *testContainer) wantRuntime(planned bool, reason string) {
	c.Helper()
	told := choosing(c)
	for range 2 {
		got := c.hook("sh", "-c", "echo $COLOUR; exit 7")
		if got.Runner != ByRuntime || got.RunnerReason != reason || got.ExitCode != 7 || string(got.Stdout) != "blue\n" {
			c.Errorf("got %+v, want runner %s because of %q", got, ByRuntime, reason)
		}
	}
	want := []string{ByRuntime, reason}
	if planned {
		want = slices.Insert(want, 0, ByJoiner, "")
	}
	if !slices.Equal(*told, want) {
		c.Errorf("told %q, want %q", *told, want)
	}
}

func TestHooksOfAShimBuiltWithoutItsJoiner(t *testing.T) {
	c := startContainer(t, nil)
	c.executor.joiner.open = func() (*joiner.Joiner, error) { return nil, joiner.ErrNotBuilt }
	c.wantRuntime(false, joiner.ErrNotBuilt.Error())
}

// The sysctl is that of a pid namespace.
func TestHooksWhereNoFileInMemoryMayBeExecuted(t *testing.T) {
	const sysctl = "/proc/sys/vm/memfd_noexec"
	if _, err := os.Stat(sysctl); err != nil {
		t.Skipf("needs Linux 6.3: %v", err)
	}
	again(t, "^TestAgainWhereNoFileInMemoryMayBeExecuted$", 1,
		[]string{"--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"}, "echo 2 >"+sysctl)
}

func TestAgainWhereNoFileInMemoryMayBeExecuted(t *testing.T) {
	inAgain(t)
	c := startContainer(t, nil)
	c.wantRuntime(false, "joiner in memory: memfd_create: permission denied")
}
