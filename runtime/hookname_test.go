package runtime

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// namesTest makes hooks' cgroups in a directory that stands for a container's on v1: one
// that has a file in it cannot be removed.
type namesTest struct {
	*testing.T
	Cgroup
}

func (n *namesTest) take(want string) *hookCgroup {
	n.Helper()
	h, err := n.newHookCgroup()
	must(n, err)
	if h.name != want || h.dir != filepath.Join(n.dir, want) {
		n.Fatalf("got %s in %s, want %s", h.name, h.dir, want)
	}
	return h
}

func (n *namesTest) hold(dir, pids string) {
	n.Helper()
	must(n, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(pids), 0o600))
}

func newNamesTest(t *testing.T) *namesTest {
	return &namesTest{T: t, Cgroup: Cgroup{dir: t.TempDir()}}
}

func TestHookCgroupNamesAreUsedAgain(t *testing.T) {
	n := newNamesTest(t)
	a, b := n.take("bookend-0"), n.take("bookend-1")
	a.remove()
	c := n.take("bookend-0")
	a.remove() // of no effect
	if _, err := os.Stat(c.dir); err != nil {
		t.Error("another's was removed")
	}
	n.take("bookend-2")
	b.remove()
	c.remove()
	n.take("bookend-0")
	n.take("bookend-1")
	n.take("bookend-3")
}

// What a hook left on purpose stays in a cgroup that nobody else gets.
func TestHookCgroupNameIsNotUsedWhileAProcessIsThere(t *testing.T) {
	n := newNamesTest(t)
	a := n.take("bookend-0")
	n.hold(a.dir, "7\n")
	must(t, os.Mkdir(filepath.Join(a.dir, "theirs"), 0o755))
	a.remove()
	if _, err := os.Stat(filepath.Join(a.dir, "theirs")); err != nil {
		t.Errorf("a cgroup of those who stay was removed: %v", err)
	}
	b := n.take("bookend-1")
	must(t, os.Remove(filepath.Join(a.dir, "cgroup.procs"))) // they have ended
	n.take("bookend-0")
	if _, err := os.Stat(filepath.Join(a.dir, "theirs")); err == nil {
		t.Error("what was left was used as it was")
	}
	b.remove()
}

// The container may take names for itself, or our directories away.
func TestHookCgroupNamesThatTheContainerTakes(t *testing.T) {
	n := newNamesTest(t)
	must(t, os.MkdirAll(filepath.Join(n.dir, "bookend-0", "x", "y"), 0o755)) // empty
	busy := filepath.Join(n.dir, "bookend-1", "x")
	must(t, os.MkdirAll(busy, 0o755))
	n.hold(busy, "7\n")
	a := n.take("bookend-0")
	b := n.take("bookend-2")
	must(t, os.Remove(b.dir))
	b.remove()
	n.take("bookend-2")
	must(t, os.Remove(a.dir))
	n.take("bookend-3") // a's is in use, gone or not
	if _, err := os.Stat(busy); err != nil {
		t.Error("a cgroup of the container's own was removed")
	}
}

func TestHookCgroupNameIsNotUsedWhileItsHookIsKilled(t *testing.T) {
	n := newNamesTest(t)
	a := n.take("bookend-0")
	n.hold(a.dir, "4194305\n") // above any pid: it never dies
	ended, taken := make(chan error, 1), make(chan struct{})
	a.killOn(0, func(err error) {
		// Empty at last, and gone: the kill does not know yet.
		ended <- errors.Join(err, os.Remove(filepath.Join(a.dir, "cgroup.procs")), os.Remove(a.dir))
		<-taken
	})
	a.remove()
	if err := <-ended; !errors.Is(err, errStillThere) {
		t.Errorf("killed: %v", err)
	}
	n.take("bookend-1")
	close(taken)
	eventually(t, "the end of the use of the name", func() bool {
		h, err := n.newHookCgroup()
		must(t, err)
		defer h.remove()
		return h.name == a.name
	})
}

func TestHookCgroupNameIsHeldByTheKill(t *testing.T) {
	n := newNamesTest(t)
	a := n.take("bookend-0")
	n.names.hold(a.name) // as killOn does
	a.remove()           // the directory is gone, the kill may not know
	n.take("bookend-1")
	a.drop()
	n.take("bookend-0")
}

func TestHookCgroupNamesHaveAnEnd(t *testing.T) {
	n := newNamesTest(t)
	for i := range hookNamesMost {
		dir := filepath.Join(n.dir, hookCgroupPrefix+strconv.Itoa(i))
		must(t, os.Mkdir(dir, 0o755))
		n.hold(dir, "7\n")
	}
	if _, err := n.newHookCgroup(); !errors.Is(err, errNoName) {
		t.Errorf("got %v", err)
	}
}
