package runtime

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCgroupWalkHasABound(t *testing.T) {
	top := t.TempDir()
	for _, dir := range []string{"a/b/c", "a/d", "e"} {
		must(t, os.MkdirAll(filepath.Join(top, dir), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(top, "file"), nil, 0o600))
	walk := func(left int) (seen []string, all bool) {
		all = walkCgroups(top, &left, func(dir string) {
			rel, _ := filepath.Rel(top, dir)
			seen = append(seen, rel)
		})
		return seen, all
	}
	seen, all := walk(6)
	before := func(child, parent string) bool { return slices.Index(seen, child) < slices.Index(seen, parent) }
	if !all || len(seen) != 6 || !before("a/b/c", "a/b") || !before("a/b", "a") || !before("a/d", "a") || seen[5] != "." {
		t.Errorf("walked %v, all: %v", seen, all)
	}
	for left := range 6 {
		if seen, all := walk(left); all || len(seen) != left {
			t.Errorf("bound %d: walked %v, all: %v", left, seen, all)
		}
	}
	if seen, all := walk(0); all || seen != nil {
		t.Errorf("walked %v", seen)
	}
}

// More cgroups than one round reaches are gone after some rounds, nested as far
// as a path goes, and beside each other.
func TestCgroupWalkGetsThrough(t *testing.T) {
	h := &hookCgroup{dir: t.TempDir()}
	const wide = 2*walkDirs + 10
	for i := range wide {
		must(t, os.Mkdir(filepath.Join(h.dir, "w"+strconv.Itoa(i)), 0o755))
	}
	deep := h.dir
	for len(deep) < unix.PathMax-3 {
		deep += "/d"
		must(t, os.Mkdir(deep, 0o755))
	}
	rounds := 0
	for ; h.signalAll() != 0; rounds++ {
		if rounds > 5 {
			t.Fatal("makes no headway")
		}
	}
	if rounds == 0 {
		t.Error("one round did it: there is no bound")
	}
	h.remove()
	if _, err := os.Stat(h.dir); err == nil {
		t.Error("left")
	}
}

// Deeper than a path goes there may be processes: it is not empty.
func TestCgroupTooDeepIsNotEmpty(t *testing.T) {
	h := &hookCgroup{dir: t.TempDir()}
	name := strings.Repeat("n", 255)
	root, err := os.OpenRoot(h.dir)
	must(t, err)
	for range unix.PathMax/len(name) + 1 {
		must(t, root.Mkdir(name, 0o755))
		next, err := root.OpenRoot(name)
		must(t, err)
		must(t, root.Close())
		root = next
	}
	must(t, root.Close())
	if h.empty() {
		t.Error("empty")
	}
}

func TestCgroupPidsHaveABound(t *testing.T) {
	dir := t.TempDir()
	var procs strings.Builder
	procs.WriteString("7\n") // so that a number is cut
	for pid := range 2 * walkProcs {
		procs.WriteString(strconv.Itoa(1000000+pid) + "\n")
	}
	must(t, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(procs.String()), 0o600))
	pids := cgroupPids(dir)
	if len(pids) != walkProcs || pids[0] != 7 || pids[len(pids)-1] != 1000000+walkProcs-2 {
		t.Errorf("%d, to %d", len(pids), pids[len(pids)-1])
	}
}
