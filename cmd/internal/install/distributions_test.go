package install

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/pelletier/go-toml/v2"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/distribution"
	"bookend.dev/bookend/hooks"
)

// Each directory is the root of a node as its distribution documents it. Beside it
// stands what is found there, and what an installation makes of it. A name that
// ends in 1.7 tells that of containerd.
const distributions = "../distribution/testdata"

func TestDistributionsAsTheyAreDocumented(t *testing.T) {
	entries, err := os.ReadDir(distributions)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			n := newNode(t, "")
			n.copyNode(filepath.Join(distributions, entry.Name()))
			n.release("1")
			n.opts.EditConfig = true
			n.opts.OldContainerd = func(int) bool { return strings.HasSuffix(entry.Name(), "-1.7") }
			before := n.tree()
			found := distribution.Detect(t.Context(), n.dir)
			var said strings.Builder
			for _, f := range found {
				seen[f.Name] = true
				said.WriteString(f.Name + ", by " + f.By + ", unit " + f.Unit(n.dir) + "\n")
			}
			if len(found) != 1 {
				n.wantGolden(filepath.Join(distributions, entry.Name()+".golden"), said.String())
				return
			}
			n.opts.Preset = found[0].At(n.dir)
			n.opts.ContainerdConfig = n.opts.Preset.Config
			if of := distribution.Of(t.Context(), n.dir, n.opts.ContainerdConfig); of.Name != found[0].Name {
				t.Errorf("its main file is of %s", of.Name)
			}
			p, err := New(t.Context(), n.opts)
			n.wantGolden(filepath.Join(distributions, entry.Name()+".golden"), said.String()+n.say(p, err))
			if err != nil {
				n.wantTree(before)
				return
			}
			if p.Todo == "" && n.opts.Preset.How == distribution.InFiles {
				n.wantRead(before)
			}
			n.wantThereAndBack(before)
		})
	}
	for _, name := range distribution.Names() {
		if !seen[name] {
			t.Errorf("there is no node of %s", name)
		}
	}
}

// wantRead installs, starts what makes containerd's files, and wants the runtime in
// them; then the same after a removal of which those files know nothing yet, and
// in the end a node as it was.
func (n *node) wantRead(before map[string]string) {
	n.t.Helper()
	main, merged := n.content(n.opts.Preset.Config), n.content(n.opts.Preset.Merged)
	for range 2 {
		n.install()
		n.start(main, merged)
		cfg, err := criconfig.Read(n.t.Context(), n.opts.Preset.Config, criconfig.EachFirst)
		if err != nil {
			n.t.Fatal(err)
		}
		r := cfg.Runtimes[n.opts.RuntimeName]
		_, runc := cfg.Runc()
		if r.Path != n.opts.shimPath() || r.Type != criconfig.RuncType || len(r.Gaps()) > 0 || !maps.Equal(r.Options, runc.Options) {
			n.t.Errorf("containerd would read %+v", r)
		}
		if again := n.install(); !again.Empty() || again.Restart {
			n.t.Errorf("install again, after the start: %s", again)
		}
		if p := n.uninstall(); !p.Restart {
			n.t.Error("a removal asks for no restart")
		}
	}
	n.put(n.opts.Preset.Config, main)
	n.put(n.opts.Preset.Merged, merged)
	n.wantTree(before)
}

// start does what a distribution does before it starts containerd: it makes files
// of others.
func (n *node) start(main, merged []byte) {
	n.t.Helper()
	preset := n.opts.Preset
	cfg, err := criconfig.Read(n.t.Context(), preset.Config, criconfig.EachFirst)
	if err != nil {
		n.t.Fatal(err)
	}
	if dir := preset.DropInDir(preset.Config); merged != nil {
		doc := map[string]any{}
		for _, file := range append([]string{preset.Merged}, n.glob(dir)...) {
			var more map[string]any
			if err := toml.Unmarshal(n.content(file), &more); err != nil {
				n.t.Fatal(err)
			}
			mergePatch(doc, more)
		}
		text, err := toml.Marshal(doc)
		if err != nil {
			n.t.Fatal(err)
		}
		n.put(preset.Merged, text)
	}
	from := n.content(preset.Template(preset.Config, cfg.Version))
	if from == nil {
		return
	}
	if preset.Base == "" {
		n.put(preset.Config, []byte(strings.NewReplacer("${SNAPSHOTTER}", "overlayfs", "${RUNTIME_TYPE}", criconfig.RuncType, "${RUNTIME}", "runc", "${SNAP_DATA}", "/var/snap/microk8s/1").Replace(string(from))))
		return
	}
	t := template.Must(template.New("").Parse(string(from)))
	template.Must(t.New("base").Parse(string(main)))
	var out bytes.Buffer
	if err := t.Execute(&out, nil); err != nil {
		n.t.Fatal(err)
	}
	n.put(preset.Config, out.Bytes())
}

// mergePatch is that of RFC 7396, without its nulls.
func mergePatch(into, patch map[string]any) {
	for key, value := range patch {
		to, isTable := into[key].(map[string]any)
		from, also := value.(map[string]any)
		if isTable && also {
			mergePatch(to, from)
		} else {
			into[key] = value
		}
	}
}

func (n *node) glob(dir string) []string {
	files, err := filepath.Glob(filepath.Join(dir, "*.toml"))
	if err != nil {
		n.t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

// content is that of a file; nil: there is none.
func (n *node) content(path string) []byte {
	e, err := readEntry(path)
	if err != nil && path != "" {
		n.t.Fatal(err)
	}
	if e == nil {
		return nil
	}
	return e.Data
}

// put changes a file that is there, as its program does.
func (n *node) put(path string, data []byte) {
	n.t.Helper()
	if data == nil {
		return
	}
	e, err := readEntry(path)
	if err != nil || e == nil {
		n.t.Fatalf("%s: %v", path, err)
	}
	if err := os.WriteFile(path, data, e.Mode); err != nil {
		n.t.Fatal(err)
	}
}

const mainV2 = "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]\nruntime_type = 'io.containerd.runc.v2'\n"

// A block in somebody's file follows the runc runtime and the wanted name, and goes
// without what others have written since.
func TestABlockIsRenewedAndKeepsWhatOthersWrote(t *testing.T) {
	n := newNode(t, mainV2)
	n.opts.EditConfig, n.opts.OldContainerd = true, func(int) bool { return true }
	n.install()
	const more = "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]\nSystemdCgroup = true\n"
	n.write("etc/config.toml", "# mine\n"+n.read("etc/config.toml")+more, 0o640)
	n.opts.RuntimeName = "hooked"
	if p := n.install(); !p.Restart || len(p.Notes) > 0 {
		t.Errorf("restart %v, notes %v", p.Restart, p.Notes)
	}
	text := n.read("etc/config.toml")
	cfg, err := criconfig.Read(t.Context(), n.opts.ContainerdConfig, criconfig.LastForAll)
	if err != nil {
		t.Fatal(err)
	}
	if _, old := cfg.Runtimes["bookend"]; old || !cfg.Runtimes["hooked"].SystemdCgroup() || !strings.HasPrefix(text, "# mine\n"+mainV2+more) {
		t.Errorf("got %s", text)
	}
	n.write("etc/config.toml", text+"[debug]\nlevel = 'debug'\n", 0o640)
	if p := n.uninstall(); len(p.Notes) > 0 || !p.Restart {
		t.Errorf("notes %v, restart %v", p.Notes, p.Restart)
	}
	if got := n.read("etc/config.toml"); got != "# mine\n"+mainV2+more+"[debug]\nlevel = 'debug'\n" {
		t.Errorf("uninstalled: %q", got)
	}
}

// What was installed under an old containerd stays where it is under a newer one.
func TestABlockOutlivesAnUpgradeOfContainerd(t *testing.T) {
	n := newNode(t, mainV2)
	before := n.tree()
	n.opts.EditConfig, n.opts.OldContainerd = true, func(int) bool { return true }
	n.install()
	n.opts.OldContainerd = func(int) bool { return false }
	if p := n.install(); !p.Empty() || p.Todo != "" {
		t.Errorf("got %s, %s", p, p.Todo)
	}
	n.write("etc/config.toml", n.read("etc/config.toml")+"[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]\nSystemdCgroup = true\n", 0o640)
	if p := n.install(); p.Empty() || strings.Count(n.read("etc/config.toml"), "SystemdCgroup = true") != 2 {
		t.Errorf("the block does not follow the runc runtime:\n%s", n.read("etc/config.toml"))
	}
	n.uninstall()
	n.write("etc/config.toml", mainV2, 0o640)
	n.wantTree(before)
}

// An upgrade of bookend needs the flag only if the block changes.
func TestABlockThatIsThereNeedsNoFlag(t *testing.T) {
	n := newNode(t, mainV2)
	n.opts.EditConfig, n.opts.OldContainerd = true, func(int) bool { return true }
	n.install()
	text := n.read("etc/config.toml") + "[debug]\nlevel = 'debug'\n"
	n.write("etc/config.toml", text, 0o640)
	n.opts.EditConfig = false
	n.release("2")
	if p := n.install(); p.Todo != "" || p.Restart || len(p.Changes) != 2 || n.read("etc/config.toml") != text {
		t.Errorf("upgrade: %q, restart %v, %s", p.Todo, p.Restart, p)
	}
	text += "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]\nSystemdCgroup = true\n"
	n.write("etc/config.toml", text, 0o640)
	const want = "with --edit-config, or put in the place of bookend's block:\n\n"
	if p := n.install(); !strings.Contains(p.Todo, want) || n.read("etc/config.toml") != text {
		t.Errorf("other options: %q does not have %q, or the file has changed:\n%s", p.Todo, want, n.read("etc/config.toml"))
	}
}

// A main file that came with the newer containerd is that one's: the block is not
// asked for again, and a drop-in takes its place.
func TestABlockIsNotMissedInTheFileOfANewerContainerd(t *testing.T) {
	n := newNode(t, mainV2)
	n.opts.EditConfig, n.opts.OldContainerd = true, func(int) bool { return true }
	n.install()
	n.write("etc/config.toml", mainV3, 0o640)
	n.opts.OldContainerd = func(int) bool { return false }
	if p := n.install(); p.Todo != "" || !exists(n.path("etc/conf.d/bookend.toml")) {
		t.Errorf("todo %q\n%s", p.Todo, p)
	}
	n.uninstall()
	if got := n.read("etc/config.toml"); got != mainV3 || exists(n.path("etc/conf.d")) {
		t.Errorf("uninstalled: %q", got)
	}
}

// What others wrote below the block is of its last table, and stays there: in another
// one containerd might not start.
func TestSettingsThatFollowABlockAreNotMoved(t *testing.T) {
	const own = "privileged_without_host_devices = true\n"
	n := newNode(t, mainV2+own)
	n.opts.EditConfig, n.opts.OldContainerd = true, func(int) bool { return true }
	n.install()
	block := n.read("etc/config.toml")
	n.write("etc/config.toml", block+"snapshotter = 'native'\n", 0o640)
	n.opts.RuntimeName = "hooked"
	before := n.tree()
	if _, err := New(t.Context(), n.opts); !errors.Is(err, errFollows) {
		t.Errorf("install: got %v, want %v", err, errFollows)
	}
	if _, err := Undo(n.opts.LibDir, false); !errors.Is(err, errFollows) {
		t.Errorf("uninstall: got %v, want %v", err, errFollows)
	}
	n.wantTree(before)
	n.write("etc/config.toml", block, 0o640)
	n.uninstall()
	if got := n.read("etc/config.toml"); got != mainV2+own {
		t.Errorf("uninstalled: %q", got)
	}
}

// Wherever an installation of a block, or an upgrade, stops, uninstall undoes it, and
// install goes on.
func TestABlockThatFailedIsUndoneOrGoesOn(t *testing.T) {
	for _, main := range []string{mainV2, ""} {
		for stop := range 4 {
			for _, goOn := range []bool{false, true} {
				for _, upgrade := range []bool{false, true} {
					n := newNode(t, main)
					n.opts.EditConfig, n.opts.OldContainerd = true, func(int) bool { return true }
					before := n.tree()
					if upgrade {
						n.install()
						n.release("2")
						n.opts.RuntimeName = "hooked"
					}
					p, err := New(t.Context(), n.opts)
					if err != nil {
						t.Fatal(err)
					}
					if len(p.Changes) != 3 {
						t.Fatalf("got %d changes", len(p.Changes))
					}
					p.Changes = slices.Insert(p.Changes, stop, Change{Path: n.path("none/x"), After: newFile(nil, 0o600)})
					if err := p.Apply(); !errors.Is(err, os.ErrNotExist) {
						t.Fatalf("got %v", err)
					}
					if goOn {
						if p := n.install(); p.Todo != "" || len(p.Notes) > 0 {
							t.Errorf("%s, notes %v", p.Todo, p.Notes)
						}
						if again, err := New(t.Context(), n.opts); err != nil || !again.Empty() {
							t.Errorf("is not complete: %v\n%s", err, again)
						}
					}
					if p := n.uninstall(); len(p.Notes) > 0 {
						t.Errorf("notes: %v", p.Notes)
					}
					n.wantTree(before)
					if t.Failed() {
						t.Fatalf("main file %q, stopped at %d, goes on %v, upgrade %v", main, stop, goOn, upgrade)
					}
				}
			}
		}
	}
}

// Nor does a later installation take what others wrote for its own.
func TestARenewedBlockGoesAndNothingElse(t *testing.T) {
	for name, main := range map[string]string{"a file": mainV2, "no file": ""} {
		n := newNode(t, main)
		n.opts.EditConfig, n.opts.OldContainerd = true, func(int) bool { return true }
		n.install()
		before, block, _ := strings.Cut(n.read("etc/config.toml"), "\n"+dropInHead)
		const more = "[debug]\nlevel = 'debug'\n"
		n.write("etc/config.toml", before+"\n"+dropInHead+block+more, 0o640)
		n.opts.RuntimeName = "hooked"
		n.install()
		n.uninstall()
		if got := n.read("etc/config.toml"); got != before+more {
			t.Errorf("%s: got %q, want %q", name, got, before+more)
		}
		if exists(n.opts.LibDir) {
			t.Errorf("%s: %s is left", name, n.opts.LibDir)
		}
	}
}

func TestABlockThatWasChangedIsLeftAlone(t *testing.T) {
	n := newNode(t, mainV2)
	n.opts.EditConfig, n.opts.OldContainerd = true, func(int) bool { return true }
	n.install()
	tuned := strings.Replace(n.read("etc/config.toml"), "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.bookend]\n", "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.bookend]\nsnapshotter = 'x'\n", 1)
	n.write("etc/config.toml", tuned, 0o640)
	for name, p := range map[string]*Plan{"install": n.install(), "uninstall": n.uninstall()} {
		if len(p.Notes) != 1 || n.read("etc/config.toml") != tuned {
			t.Errorf("%s: notes %v, and %s", name, p.Notes, n.read("etc/config.toml"))
		}
	}
}

func TestARuntimeInABlockIsNotRenamedUnderItsPods(t *testing.T) {
	n := newNode(t, mainV2)
	n.opts.EditConfig, n.opts.OldContainerd = true, func(int) bool { return true }
	n.shimIsCat()
	n.install()
	runUntilClosed(t, n.path("bin/"+hooks.ShimBinary))
	n.opts.RuntimeName = "hooked"
	if _, err := New(t.Context(), n.opts); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
}

// A template in which a person has named the runtime is not given a second one.
func TestARuntimeInATemplateIsNotDefinedTwice(t *testing.T) {
	n := newNode(t, "")
	n.copyNode(filepath.Join(distributions, "k3s-template"))
	n.release("1")
	k3s, _ := distribution.Named("k3s")
	n.opts.Preset, n.opts.EditConfig = k3s.At(n.dir), true
	n.opts.ContainerdConfig = n.opts.Preset.Config
	template := filepath.Join(filepath.Dir(n.opts.ContainerdConfig), "config-v3.toml.tmpl")
	main := n.content(n.opts.ContainerdConfig)
	if err := os.WriteFile(template, []byte("{{ template \"base\" . }}\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.bookend]\nruntime_type = 'x'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := New(t.Context(), n.opts); !errors.Is(err, ErrConfigured) || !strings.Contains(err.Error(), template) {
			t.Errorf("got %v", err)
		}
		n.start(main, nil)
	}
}

// A directory alone does not tell that nothing can be installed.
func TestAReadOnlySystemIsKnownByItsName(t *testing.T) {
	n := newNode(t, "")
	talos, _ := distribution.Named("talos")
	if of := distribution.Of(t.Context(), n.dir, filepath.Join(n.dir, talos.Config)); of.Name != distribution.Plain {
		t.Errorf("%s is of %s, on a node without an os-release", talos.Config, of.Name)
	}
}
