package install

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

// packaged makes a node whose binaries a package has put in place.
func packaged(t *testing.T) *node {
	n := newNode(t, mainV3)
	n.opts.InPlace = true
	if err := os.Mkdir(n.path("bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range linked() {
		if err := os.Symlink(filepath.Join("../new", name), n.path("bin/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// The binaries of a package stay where they are, and containerd gets a runtime.
func TestPackagedBinariesStayInPlace(t *testing.T) {
	n := packaged(t)
	before := n.tree()
	n.install()
	after := n.tree()
	for path, was := range before {
		if after[path] != was {
			t.Errorf("%s has changed", path)
		}
	}
	if drop := n.read("etc/conf.d/bookend.toml"); !strings.Contains(drop, n.path("bin/"+hooks.ShimBinary)) {
		t.Errorf("got %s", drop)
	}
	if _, err := os.Stat(n.opts.versionsDir()); err == nil {
		t.Error("there are copies")
	}
	// The package is upgraded, and nothing is left to do.
	n.release("2")
	if p := n.install(); !p.Empty() || p.Restart {
		t.Errorf("after an upgrade: %s", p)
	}
	n.release("1")
	n.uninstall()
	n.wantTree(before)
}

// Where containerd needs no entry nothing is noted, which the package would take for
// one that has to be removed before itself.
func TestPackagedBinariesAloneAreNoInstallation(t *testing.T) {
	n := packaged(t)
	n.opts.BinariesOnly = true
	before := n.tree()
	n.install()
	n.wantTree(before)
}

func TestPackagedBinariesThatAreNotLinkedToAreRefused(t *testing.T) {
	n := packaged(t)
	link := n.path("bin/" + hooks.ShimBinary)
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	n.wantPackageAgain("no link")
	if err := os.Symlink("../etc/other", link); err != nil {
		t.Fatal(err)
	}
	n.wantPackageAgain("another link")
}

func (n *node) wantPackageAgain(what string) {
	n.t.Helper()
	if _, err := New(n.t.Context(), n.opts); err == nil || !strings.Contains(err.Error(), "install the package again") {
		n.t.Errorf("%s: got %v", what, err)
	}
}

// Shims of the package are shims of its installation.
func TestPackagedShimsThatRunAreNotUninstalled(t *testing.T) {
	n := packaged(t)
	n.shimIsCat()
	n.install()
	end := runUntilClosed(t, n.path("bin/"+hooks.ShimBinary))
	if _, err := Undo(n.opts.LibDir, false); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
	end()
	n.uninstall()
}

// Another installation says whose the drop-in is.
func TestADropInOfAPackageIsNotTakenOver(t *testing.T) {
	n := packaged(t)
	n.install()
	n.opts.InPlace, n.opts.BinDir, n.opts.LibDir = false, n.path("local/bin"), n.path("local/lib")
	if _, err := New(t.Context(), n.opts); !errors.Is(err, ErrElsewhere) {
		t.Errorf("got %v, want %v", err, ErrElsewhere)
	}
	if got := LibDirOf(PackageDir + "/" + hooks.ShimBinary); got != PackageLibDir {
		t.Errorf("got %s, want %s", got, PackageLibDir)
	}
}
