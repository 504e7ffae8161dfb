package install

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

const kata = `[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.kata]
runtime_type = "io.containerd.kata.v2"
`

func TestAnotherNameTakesNoRuntimeFromAnybody(t *testing.T) {
	n := newNode(t, mainV3+kata)
	n.shimIsCat()
	n.install()
	installed := n.tree()
	n.opts.RuntimeName = "kata"
	if _, err := New(t.Context(), n.opts); !errors.Is(err, ErrConfigured) {
		t.Errorf("a runtime of somebody's: got %v, want %v", err, ErrConfigured)
	}
	end := runUntilClosed(t, n.path("bin/"+hooks.ShimBinary))
	n.opts.RuntimeName = "hooked"
	if _, err := New(t.Context(), n.opts); !errors.Is(err, ErrInUse) {
		t.Errorf("with a shim that runs: got %v, want %v", err, ErrInUse)
	}
	n.wantTree(installed)
	end()
	if p := n.install(); !p.Restart || !strings.Contains(n.read("etc/conf.d/bookend.toml"), "runtimes.hooked]") {
		t.Errorf("renamed: %s", n.read("etc/conf.d/bookend.toml"))
	}
	n.opts.RuntimeName = "bookend"
	n.install()
	if !strings.Contains(n.read("etc/conf.d/bookend.toml"), "runtimes.bookend]") {
		t.Errorf("and back: %s", n.read("etc/conf.d/bookend.toml"))
	}
}

func TestATableThatAPersonHasAddedIsWhatWasAskedFor(t *testing.T) {
	n := newNode(t, "version = 2\n")
	n.opts.OldContainerd = func(int) bool { return true }
	p := n.install()
	_, table, _ := strings.Cut(p.Todo, "\n\n")
	n.write("etc/config.toml", "version = 2\n"+table, 0o600)
	for name, old := range map[string]bool{"old": true, "new": false} {
		n.opts.OldContainerd = func(int) bool { return old }
		if p := n.install(); !p.Empty() || p.Todo != "" || p.Restart {
			t.Errorf("%s containerd: got %s%s", name, p, p.Todo)
		}
	}
	n.write("etc/config.toml", "version = 2\n"+strings.Replace(table, "runc.v2", "bookend.v2", 1), 0o600)
	if p := n.install(); !p.Empty() || p.Todo != "" || p.Restart {
		t.Errorf("bookend's own type: got %s%s", p, p.Todo)
	}
	for name, other := range map[string]string{
		"another type":      strings.Replace(table, "runc.v2", "runsc.v1", 1),
		"no type":           strings.Replace(table, "runtime_type", "io_type", 1),
		"another shim":      strings.Replace(table, n.path("bin"), "/elsewhere", 1),
		"a list with a gap": strings.ReplaceAll(table, "'lifecycle.bookend.dev/*'", "'x'"),
	} {
		n.write("etc/config.toml", "version = 2\n"+other, 0o600)
		if _, err := New(t.Context(), n.opts); !errors.Is(err, ErrConfigured) {
			t.Errorf("%s: got %v, want %v", name, err, ErrConfigured)
		}
	}
}

func TestADamagedSetIsMended(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"a file is gone":    os.Remove,
		"a file is damaged": func(path string) error { return os.WriteFile(path, []byte("damaged"), 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, mainV3)
			set := n.install().setDir()
			installed := n.tree()
			if err := damage(filepath.Join(set, hooks.ExecBinary)); err != nil {
				t.Fatal(err)
			}
			good := n.opts.From
			n.opts.From = set
			if _, err := New(t.Context(), n.opts); !errors.Is(err, ErrDamaged) {
				t.Errorf("from itself: got %v, want %v", err, ErrDamaged)
			}
			n.opts.From = good
			if p := n.install(); p.Place == "" {
				t.Error("the damage is not seen")
			}
			n.wantTree(installed)
			n.opts.From = set
			if p := n.install(); !p.Empty() {
				t.Errorf("from itself, fixed: %s", p)
			}
		})
	}
}

// What a person has written may name the shim another way.
func TestAShimIsLoadedHoweverItIsWritten(t *testing.T) {
	o := Options{BinDir: "/usr/local/bin"}
	for shim, want := range map[string]bool{
		"/usr/local/bin/" + hooks.ShimBinary: true, "/usr/local//bin/./" + hooks.ShimBinary: true, "/usr/bin/" + hooks.ShimBinary: false, "": false,
	} {
		if got := o.Loaded(shim); got != want {
			t.Errorf("%q: got %v", shim, got)
		}
	}
}
