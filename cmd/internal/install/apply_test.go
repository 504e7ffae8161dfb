package install

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"bookend.dev/bookend/hooks"
)

// Before it changes anything an installation writes down what it will.
func TestAnInstallationThatFailedEarlyIsUndone(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil, fix func(*node) error
	}{
		"no place for a directory": {
			func(n *node) error { return os.WriteFile(n.path("etc/conf.d"), nil, 0o600) },
			func(n *node) error { return os.Remove(n.path("etc/conf.d")) },
		},
		"binaries that are gone": {
			func(n *node) error { return os.Remove(n.path("new/" + hooks.CommandBinary)) },
			func(n *node) error { n.release("1"); return nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, mainV3)
			before := n.tree()
			p, err := New(t.Context(), n.opts)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.spoil(n); err != nil {
				t.Fatal(err)
			}
			if err := p.Apply(); err == nil {
				t.Fatal("it did not fail")
			}
			if err := tt.fix(n); err != nil {
				t.Fatal(err)
			}
			n.uninstall()
			n.wantTree(before)
		})
	}
}

// An upgrade that failed has written down more than it did.
func TestAnUpgradeThatFailedIsUndoneOrGoesOn(t *testing.T) {
	for name, goOn := range map[string]bool{"undone": false, "goes on": true} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, mainV3)
			n.write("bin/"+hooks.ShimBinary, "by hand", 0o755)
			before := n.tree()
			n.install()
			n.release("2")
			n.write("etc/config.toml", mainV3+"# \n", 0o640)
			n.opts.RuntimeName = "hooked" // the drop-in changes as well
			p, err := New(t.Context(), n.opts)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(n.path("new/" + hooks.CommandBinary)); err != nil {
				t.Fatal(err)
			}
			if err := p.Apply(); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("got %v", err)
			}
			n.release("2")
			if goOn {
				if p := n.install(); len(p.Notes) > 0 {
					t.Errorf("notes: %q", p.Notes)
				}
			}
			if p := n.uninstall(); len(p.Notes) > 0 {
				t.Errorf("notes: %q", p.Notes)
			}
			n.write("etc/config.toml", mainV3, 0o640)
			n.wantTree(before)
		})
	}
}

func TestAShimThatStartsWhileOthersArePrunedKeepsItsBinaries(t *testing.T) {
	n := newNode(t, mainV3)
	n.shimIsCat()
	first := n.install()
	n.release("2")
	n.opts.Prune = true
	p, err := New(t.Context(), n.opts)
	if err != nil || len(p.Remove) != 1 {
		t.Fatalf("got %v, %v", p, err)
	}
	runUntilClosed(t, n.path("bin/"+hooks.ShimBinary))
	if err := p.Apply(); err != nil {
		t.Fatal(err)
	}
	if !complete(first.setDir()) || !complete(p.setDir()) || len(p.Notes) != 1 {
		t.Errorf("the set of a running shim is gone, or nothing says that it stays: %q", p.Notes)
	}
}

func TestOneInstallationAtATime(t *testing.T) {
	n := newNode(t, mainV3)
	p := n.install()
	n.release("2")
	stale, err := New(t.Context(), n.opts)
	if err != nil {
		t.Fatal(err)
	}
	undo, err := Undo(n.opts.LibDir, false)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := p.lock()
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"install": stale.Apply(), "uninstall": undo.Revert()} {
		if !errors.Is(err, ErrBusy) {
			t.Errorf("%s: got %v, want %v", name, err, ErrBusy)
		}
	}
	unlock()
	n.release("3")
	n.install()
	installed := n.tree()
	for name, err := range map[string]error{"install": stale.Apply(), "uninstall": undo.Revert()} {
		if !errors.Is(err, errChanged) {
			t.Errorf("%s: got %v, want %v", name, err, errChanged)
		}
	}
	n.wantTree(installed)
}

// What a process leaves that is killed while it copies a set goes with the next one.
func TestHalfASetIsPruned(t *testing.T) {
	n := newNode(t, mainV3)
	before := n.tree()
	n.install()
	n.write("lib/bookend/versions/.new-123/"+hooks.ExecBinary, "x", 0o755)
	n.write("lib/bookend/versions/.new-123/."+hooks.ShimBinary+"4567", "half", 0o755)
	n.opts.Prune = true
	n.install()
	if exists(n.path("lib/bookend/versions/.new-123")) {
		t.Error("it is left")
	}
	n.uninstall()
	n.wantTree(before)
}
