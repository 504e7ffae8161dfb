package install

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

func TestUninstallLeavesWhatOthersHaveInTheDirectory(t *testing.T) {
	n := newNode(t, mainV3)
	n.opts.LibDir = n.path("lib")
	n.write("bin/"+hooks.ShimBinary, "by hand", 0o755)
	for _, name := range []string{"lib/other/file", "lib/versions/mine/" + hooks.ShimBinary, "lib/versions/mine-0123456789ab/x", "lib/original/mine"} {
		n.write(name, "somebody's", 0o644)
	}
	before := n.tree()
	n.install()
	n.release("2")
	n.opts.Prune = true
	n.install()
	n.uninstall()
	n.wantTree(before)
}

func TestAnEarlierUninstallsCopyIsNotInTheWay(t *testing.T) {
	n := newNode(t, mainV3)
	const dropIn = "etc/conf.d/bookend.toml"
	tuned := map[string]string{}
	for _, change := range []string{"# one\n", "# two\n", "# one\n"} {
		n.install()
		text := n.read(dropIn) + change
		n.write(dropIn, text, 0o644)
		p := n.uninstall()
		if exists(n.path(dropIn)) {
			t.Error("the drop-in is imported still")
		}
		aside := strings.TrimPrefix(p.Notes[0], n.path(dropIn)+" has been changed since, and is kept as ")
		if data, err := os.ReadFile(aside); err != nil || string(data) != text {
			t.Errorf("kept in %s: %q, %v", aside, data, err)
		}
		tuned[aside] = text
	}
	if len(tuned) != 2 {
		t.Errorf("of two changes: got %v", tuned)
	}
}

func TestTheOnlyCopyOfWhatIsNotRestoredStays(t *testing.T) {
	for name, spoil := range map[string]func(*node){
		"removed":      func(n *node) { _ = os.Remove(n.path("bin/" + hooks.ShimBinary)) },
		"changed":      func(n *node) { n.write("bin/"+hooks.ShimBinary, "somebody's", 0o755) },
		"line removed": func(n *node) { n.write("etc/config.toml", "version = 3\n", 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			const main = "version = 3 # mine\nimports = []\n"
			n := newNode(t, main)
			n.opts.EditConfig = true
			n.write("bin/"+hooks.ShimBinary, "by hand", 0o755)
			n.install()
			spoil(n)
			p := n.uninstall()
			if len(p.Notes) != 1 {
				t.Fatalf("notes: %q", p.Notes)
			}
			_, kept, _ := strings.Cut(p.Notes[0], "is kept as ")
			want := "by hand"
			if name == "line removed" {
				want = main
			}
			if data, err := os.ReadFile(kept); err != nil || string(data) != want {
				t.Errorf("%q: got %q, %v", p.Notes[0], data, err)
			}
			if left, err := os.ReadDir(filepath.Dir(kept)); err != nil || len(left) != 1 {
				t.Errorf("others are kept as well: %v, %v", left, err)
			}
			if _, err := Undo(n.opts.LibDir, false); !errors.Is(err, ErrNotInstalled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The binaries of shims that start while an uninstallation runs stay, until the
// same command is given without them.
func TestAShimThatStartsMeanwhileIsSeen(t *testing.T) {
	n := newNode(t, mainV3)
	before := n.tree()
	n.shimIsCat()
	first := n.install()
	p, err := Undo(n.opts.LibDir, false)
	if err != nil {
		t.Fatal(err)
	}
	end := runUntilClosed(t, n.path("bin/"+hooks.ShimBinary))
	if err := p.Revert(); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
	if !complete(first.setDir()) || exists(n.path("bin/"+hooks.ShimBinary)) {
		t.Error("its binaries are gone, or more shims can start")
	}
	end()
	n.uninstall()
	n.wantTree(before)
}

// containerd does not start without a file that its main file imports by name.
func TestUninstallKeepsWhatTheMainFileNames(t *testing.T) {
	n := newNode(t, mainV3)
	n.opts.EditConfig = true
	n.install()
	for _, name := range []string{"conf.d/bookend.toml", n.path("etc/conf.d/bookend.toml")} {
		n.write("etc/config.toml", "version = 3\nimports = ['"+name+"']\n", 0o640)
		before := n.tree()
		if _, err := Undo(n.opts.LibDir, false); !errors.Is(err, errNamed) {
			t.Errorf("%s: got %v, want %v", name, err, errNamed)
		}
		n.wantTree(before)
	}
	n.write("etc/config.toml", "version = 3\nimports = ['conf.d/*.toml']\n", 0o640)
	n.uninstall()
	if exists(n.path("etc/conf.d/bookend.toml")) {
		t.Error("the drop-in is left")
	}
}

// Without the configuration containerd serves, and shims that run have their binaries.
func TestConfigurationAloneIsTakenBack(t *testing.T) {
	n := newNode(t, "version = 3\n")
	n.opts.EditConfig = true
	n.shimIsCat()
	before := n.read("etc/config.toml")
	p := n.install()
	end := runUntilClosed(t, n.path("bin/"+hooks.ShimBinary))
	for _, changes := range []bool{true, false} {
		back, err := TakeBack(n.opts.LibDir)
		if err != nil || back.Empty() == changes || back.Restart != changes {
			t.Fatalf("%+v, %v", back, err)
		}
		if err := back.Revert(); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.read("etc/config.toml"); got != before || !complete(p.setDir()) || !exists(n.path("bin/"+hooks.ShimBinary)) {
		t.Errorf("got %q, the set is complete: %v", got, complete(p.setDir()))
	}
	if again := n.install(); !again.Restart {
		t.Error("an installation does not repeat it")
	}
	end()
	n.uninstall()
	if got := n.read("etc/config.toml"); got != before || exists(n.opts.LibDir) {
		t.Errorf("got %q", got)
	}
}
