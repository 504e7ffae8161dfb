package install

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

// second is another installation on the same machine.
func (n *node) second() *node {
	o := *n
	o.opts.BinDir, o.opts.LibDir = n.path("second/bin"), n.path("second/lib")
	return &o
}

func TestAnotherInstallationsFileIsNotTouchedAndItsPlaceIsTold(t *testing.T) {
	for name, runtime := range map[string]string{"the same runtime": "bookend", "another runtime": "hooked"} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, mainV3)
			n.install()
			installed := n.tree()
			o := n.second()
			o.opts.RuntimeName = runtime
			flags := "--bin-dir " + n.opts.BinDir + " --lib-dir " + n.opts.LibDir
			_, err := New(t.Context(), o.opts)
			if !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), n.path("etc/conf.d/bookend.toml")) || !strings.Contains(err.Error(), flags) {
				t.Errorf("got %v, want %q", err, flags)
			}
			n.wantTree(installed)
			if runtime == "bookend" { // in a file of another name
				n.write("etc/conf.d/a.toml", n.read("etc/conf.d/bookend.toml"), 0o644)
				n.write("etc/conf.d/bookend.toml", "version = 3\n", 0o644)
				if _, err := New(t.Context(), o.opts); !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), n.path("etc/conf.d/a.toml")) {
					t.Errorf("in a file of another name: got %v", err)
				}
				n.write("etc/conf.d/bookend.toml", n.read("etc/conf.d/a.toml"), 0o644)
				if err := os.Remove(n.path("etc/conf.d/a.toml")); err != nil {
					t.Fatal(err)
				}
			}
			o.opts.BinariesOnly = true
			o.install()
			o.uninstall()
			n.wantTree(installed)
			// The first is taken away by hand, but for its drop-in.
			if err := os.RemoveAll(n.opts.LibDir); err != nil {
				t.Fatal(err)
			}
			o.opts.BinariesOnly = false
			if _, err := New(t.Context(), o.opts); !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), "is gone: remove the file") {
				t.Errorf("where its binaries are gone: %v", err)
			}
		})
	}
}

func TestAnInstallationWhoseStateIsGoneIsTakenOver(t *testing.T) {
	for name, lose := range map[string]string{"state": "lib/bookend/state.json", "state and binaries": "lib/bookend"} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, mainV3)
			before := n.tree()
			n.install()
			installed := n.tree()
			if err := os.RemoveAll(n.path(lose)); err != nil {
				t.Fatal(err)
			}
			if p := n.install(); len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "conf.d/bookend.toml is from an installation here") {
				t.Errorf("notes: %v", p.Notes)
			}
			state := n.path("lib/bookend/state.json") // it knows nothing of what has been made before
			delete(installed, state)
			got := n.tree()
			delete(got, state)
			for path, what := range installed {
				if got[path] != what {
					t.Errorf("%s: got %q, want %q", path, got[path], what)
				}
			}
			n.uninstall()
			for path, what := range n.tree() {
				if before[path] == "" && !strings.HasPrefix(what, "d") {
					t.Errorf("%s is left", path)
				}
			}
		})
	}
}

// The name of the runtime was part of the state once, and there was a time before
// that; both are installations that have to be upgraded.
func TestTheStateOfAnEarlierBuildIsUnderstood(t *testing.T) {
	for name, runtime := range map[string]any{"first": nil, "second": "bookend"} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, mainV3)
			before := n.tree()
			n.install()
			var state map[string]any
			if err := json.Unmarshal([]byte(n.read("lib/bookend/state.json")), &state); err != nil {
				t.Fatal(err)
			}
			for _, c := range state["changed"].([]any) {
				if c := c.(map[string]any); filepath.Ext(c["path"].(string)) == ".toml" {
					delete(c, "runtime")
					if runtime != nil {
						c["runtime"] = runtime
					}
				}
			}
			text, err := json.Marshal(state)
			if err != nil {
				t.Fatal(err)
			}
			n.write("lib/bookend/state.json", string(text), 0o600)
			n.release("2")
			if p := n.install(); p.Restart || len(p.Notes) > 0 || p.Place == "" {
				t.Errorf("upgrade: restart %v, notes %v, binaries %q", p.Restart, p.Notes, p.Place)
			}
			n.opts.RuntimeName = "hooked"
			n.install()
			n.uninstall()
			n.wantTree(before)
		})
	}
}

func TestARuntimeThatAnotherFileDefinesAsWellIsSeen(t *testing.T) {
	n := newNode(t, mainV3)
	n.install()
	table := n.read("etc/conf.d/bookend.toml")
	_, table, _ = strings.Cut(table, "\n")
	n.write("etc/conf.d/99-copy.toml", table, 0o644)
	if p := n.install(); len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "99-copy.toml as well, and stays there") {
		t.Errorf("a copy: notes %q", p.Notes)
	}
	other := strings.Replace(table, n.opts.BinDir, "/elsewhere", 1)
	n.write("etc/conf.d/99-copy.toml", other, 0o644)
	if p := n.install(); len(p.Notes) != 1 {
		t.Errorf("another path, which ours overrides: notes %q", p.Notes)
	}
	n.write("etc/conf.d/zz-copy.toml", other, 0o644)
	_, err := New(t.Context(), n.opts)
	if !errors.Is(err, ErrConfigured) || !strings.Contains(err.Error(), "zz-copy.toml, where its runtime_path is /elsewhere/"+hooks.ShimBinary) {
		t.Errorf("another path, which overrides ours: %v", err)
	}
}

// A drop-in stays where containerd reads it, though its place for new ones has
// changed.
func TestAnEarlierDropInIsKeptUp(t *testing.T) {
	n := newNode(t, strings.Replace(mainV3, "conf.d/", "v3.d/", 1))
	n.install()
	n.write("etc/config.toml", strings.NewReplacer(`"conf.d/*.toml"`, `"conf.d/*.toml", "v3.d/*.toml"`, "true", "false").Replace(mainV3), 0o640)
	n.install()
	if exists(n.path("etc/conf.d/bookend.toml")) || strings.Contains(n.read("etc/v3.d/bookend.toml"), "SystemdCgroup") {
		t.Errorf("a second drop-in: %v; the first\n%s", exists(n.path("etc/conf.d/bookend.toml")), n.read("etc/v3.d/bookend.toml"))
	}
}

// Two containerds of one machine have a file each, and share the binaries.
func TestOneInstallationServesTwoContainerds(t *testing.T) {
	n := newNode(t, mainV3)
	n.write("k3s/config.toml", strings.Replace(mainV3, "conf.d/", "v3.d/", 1), 0o640)
	before := n.tree()
	n.install()
	first := n.read("etc/conf.d/bookend.toml")
	n.opts.ContainerdConfig = n.path("k3s/config.toml")
	n.opts.RuntimeName = "hooked"
	if p := n.install(); len(p.Changes) != 1 || p.Changes[0].Path != n.path("k3s/v3.d/bookend.toml") {
		t.Errorf("got %s", p)
	}
	if n.read("etc/conf.d/bookend.toml") != first {
		t.Error("the file of the other containerd has changed")
	}
	n.uninstall()
	n.wantTree(before)
}
