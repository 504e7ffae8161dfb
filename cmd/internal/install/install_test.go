package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

func TestUninstallRestoresByteForByte(t *testing.T) {
	const noImports = "# mine\nversion = 2 # two\r\nimports=[]\n\n[plugins]\n"
	for name, tt := range map[string]struct {
		main    string
		prepare func(*node)
	}{
		"an import that is there": {main: mainV3},
		"an edited file":          {main: noImports, prepare: func(n *node) { n.opts.EditConfig = true }},
		"no file":                 {},
		"binaries by hand": {main: mainV3, prepare: func(n *node) {
			n.write("bin/"+hooks.ShimBinary, "by hand\x00", 0o751)
			n.write("bin/"+hooks.ExecBinary, "by hand, too", 0o755)
			if err := os.Symlink("elsewhere", n.path("bin/"+hooks.CommandBinary)); err != nil {
				n.t.Fatal(err)
			}
		}},
		"a link to bin": {main: mainV3, prepare: func(n *node) {
			if err := errors.Join(os.MkdirAll(n.path("elsewhere/deep/bin"), 0o755), os.Symlink("elsewhere/deep/bin", n.path("bin"))); err != nil {
				n.t.Fatal(err)
			}
		}},
		"binaries only": {main: noImports, prepare: func(n *node) { n.opts.BinariesOnly = true }},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, tt.main)
			if tt.prepare != nil {
				tt.prepare(n)
			}
			before := n.tree()
			p, err := New(t.Context(), n.opts)
			if err != nil {
				t.Fatal(err)
			}
			n.wantTree(before) // a plan changes nothing
			if err := p.Apply(); err != nil {
				t.Fatal(err)
			}
			if reflect.DeepEqual(n.tree(), before) || p.Todo != "" {
				t.Fatalf("nothing was installed: %q", p.Todo)
			}
			if _, err := os.Stat(n.path("bin/" + hooks.ShimBinary)); err != nil {
				t.Error(err)
			}
			installed := n.tree()
			if again := n.install(); !again.Empty() || again.Restart || len(again.Notes) > 0 {
				t.Errorf("a second time: %s %v", again, again.Notes)
			}
			n.wantTree(installed)
			n.release("2")
			n.install()
			if p := n.uninstall(); len(p.Notes) > 0 {
				t.Errorf("notes: %v", p.Notes)
			}
			n.wantTree(before)
			if _, err := Undo(n.opts.LibDir, false); !errors.Is(err, ErrNotInstalled) {
				t.Errorf("a second uninstall: %v", err)
			}
		})
	}
}

func TestTheLinkLeadsToASetThatIsNeverWrittenAgain(t *testing.T) {
	n := newNode(t, mainV3)
	first := n.install()
	target, err := filepath.EvalSymlinks(n.path("bin/" + hooks.ShimBinary))
	if err != nil || target != filepath.Join(n.opts.versionsDir(), first.Set, hooks.ShimBinary) || !strings.HasPrefix(first.Set, "1.2.3-") {
		t.Fatalf("got %s, %v", target, err)
	}
	n.release("2")
	second := n.install()
	if second.Set == first.Set || second.Restart {
		t.Errorf("got set %s after %s, restart %v", second.Set, first.Set, second.Restart)
	}
	if got := n.read("lib/bookend/versions/" + first.Set + "/" + hooks.ShimBinary); !strings.Contains(got, "# 1\n") {
		t.Errorf("the first set has changed: %s", got)
	}
	if got := n.read("bin/" + hooks.ShimBinary); !strings.Contains(got, "# 2\n") {
		t.Errorf("the link leads to %s", got)
	}
	n.opts.Prune = true
	n.install()
	if !complete(second.setDir()) || complete(first.setDir()) {
		t.Error("pruning kept the old set, or removed the new one")
	}
}

func TestADropInHasTheRuncOfTheNode(t *testing.T) {
	n := newNode(t, mainV3)
	if p := n.install(); !p.Restart {
		t.Error("no restart is asked for")
	}
	for _, want := range []string{
		"version = 3\n", "runtime_path = '" + n.path("bin/"+hooks.ShimBinary) + "'", "'lifecycle.bookend.dev/*'", "SystemdCgroup = true",
	} {
		if got := n.read("etc/conf.d/bookend.toml"); !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	n.write("etc/config.toml", strings.Replace(mainV3, "true", "false", 1), 0o600)
	if p := n.install(); !p.Restart || strings.Contains(n.read("etc/conf.d/bookend.toml"), "SystemdCgroup") {
		t.Error("the drop-in does not follow the runc runtime")
	}
}

func TestWhatAPersonHasToAddIsSaid(t *testing.T) {
	for name, tt := range map[string]struct {
		main string
		edit func(*node)
		want string
	}{
		"no import":      {"version = 3\nimports = ['a.toml']\n", nil, `imports = ["a.toml", "DIR/etc/conf.d/*.toml"]`},
		"several lines":  {"imports = [\n'a.toml']\nversion = 3\n", func(n *node) { n.opts.EditConfig = true }, `cannot be changed by machine`},
		"old containerd": {"version = 2\n", func(n *node) { n.opts.OldContainerd = func(v int) bool { return v == 2 } }, "with --edit-config, or add:\n\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.bookend]"},
		"a link":         {"", func(n *node) { n.opts.EditConfig = true; n.link("etc/real.toml", "etc/config.toml", "version = 3\n") }, "is a symbolic link"},
		"old, and a link": {"", func(n *node) {
			n.opts.EditConfig, n.opts.OldContainerd = true, func(int) bool { return true }
			n.link("etc/real.toml", "etc/config.toml", "version = 2\n")
		}, "is a symbolic link"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, tt.main)
			n.write("etc/a.toml", "", 0o600)
			if tt.edit != nil {
				tt.edit(n)
			}
			before, _ := readEntry(n.path("etc/config.toml"))
			p := n.install()
			if want := strings.ReplaceAll(tt.want, "DIR", n.dir); !strings.Contains(p.Todo, want) {
				t.Errorf("got %q, want %q", p.Todo, want)
			}
			if after, _ := readEntry(n.path("etc/config.toml")); !after.same(before.saved()) {
				t.Errorf("containerd's file is now %v", after)
			}
		})
	}
}

func TestWhatIsNotOursIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  error
	}{
		"the runtime is configured": {map[string]string{"etc/conf.d/mine.toml": strings.Replace(mainV3, "runtimes.runc", "runtimes.bookend", 1)}, ErrConfigured},
		"a file of that name":       {map[string]string{"etc/conf.d/bookend.toml": "version = 3\n"}, ErrForeign},
		"no binaries":               {map[string]string{"new/" + hooks.ShimBinary: ""}, fs.ErrNotExist},
		"a directory in the way":    {map[string]string{"bin/" + hooks.ShimBinary + "/x": ""}, errKind},
	} {
		n := newNode(t, mainV3)
		for path, content := range tt.files {
			n.write(path, content, 0o600)
		}
		if errors.Is(tt.want, fs.ErrNotExist) {
			if err := os.Remove(n.path("new/" + hooks.ShimBinary)); err != nil {
				t.Fatal(err)
			}
		}
		before := n.tree()
		if _, err := New(t.Context(), n.opts); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		n.wantTree(before)
	}
}

func TestUninstallKeepsWhatOthersChanged(t *testing.T) {
	n := newNode(t, "version = 3\n")
	n.opts.EditConfig = true
	n.install()
	n.write("etc/config.toml", n.read("etc/config.toml")+"# added\n", 0o600)
	n.write("etc/conf.d/bookend.toml", n.read("etc/conf.d/bookend.toml")+"# tuned\n", 0o600)
	n.write("bin/"+hooks.CommandBinary, "somebody's", 0o755)
	tuned := n.read("etc/conf.d/bookend.toml")
	if p := n.install(); len(p.Notes) != 1 || n.read("etc/conf.d/bookend.toml") != tuned {
		t.Errorf("install again: notes %v, drop-in %s", p.Notes, n.read("etc/conf.d/bookend.toml"))
	}
	p := n.uninstall()
	if len(p.Notes) != 1 || !strings.Contains(p.Notes[0], ".changed") {
		t.Errorf("notes: %q", p.Notes)
	}
	if got := n.read("etc/config.toml"); got != "version = 3\n# added\n" {
		t.Errorf("main file: %q", got)
	}
	if got := n.read("etc/conf.d/bookend.toml.changed"); got != tuned {
		t.Errorf("drop-in: %q", got)
	}
	if _, err := os.Stat(n.path("etc/conf.d/bookend.toml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the drop-in is imported still: %v", err)
	}
	if got := n.read("bin/" + hooks.CommandBinary); got != "somebody's" {
		t.Errorf("a file of somebody's: %q", got)
	}
}

// Wherever an installation stops, uninstall undoes it, and install goes on.
func TestAnInstallationThatFailedIsUndoneOrGoesOn(t *testing.T) {
	for stop := range 5 {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			n := newNode(t, "version = 3\n")
			n.opts.EditConfig = true
			n.write("bin/"+hooks.ShimBinary, "by hand", 0o755)
			before := n.tree()
			p, err := New(t.Context(), n.opts)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Changes) != 4 {
				t.Fatalf("got %d changes", len(p.Changes))
			}
			p.Changes = append(p.Changes[:stop:stop], append([]Change{{Path: n.path("none/x"), After: newFile(nil, 0o600)}}, p.Changes[stop:]...)...)
			if err := p.Apply(); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("got %v", err)
			}
			if stop%2 == 0 {
				if p := n.install(); p.Todo != "" {
					t.Error(p.Todo)
				}
				if again, err := New(t.Context(), n.opts); err != nil || !again.Empty() {
					t.Errorf("is not complete: %v\n%s", err, again)
				}
			}
			n.uninstall()
			n.wantTree(before)
		})
	}
}

func TestAPlanOfTheMomentBeforeIsNotCarriedOut(t *testing.T) {
	n := newNode(t, "version = 3\n")
	n.opts.EditConfig = true
	p, err := New(t.Context(), n.opts)
	if err != nil {
		t.Fatal(err)
	}
	n.write("etc/config.toml", "version = 2\n", 0o600)
	if err := p.Apply(); !errors.Is(err, errChanged) || n.read("etc/config.toml") != "version = 2\n" {
		t.Errorf("got %v, %s", err, n.read("etc/config.toml"))
	}
}
