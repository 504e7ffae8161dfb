package criconfig

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// write makes files below a new directory and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, files map[string]string) *Config {
	t.Helper()
	c, err := Read(t.Context(), filepath.Join(write(t, files), "config.toml"), EachFirst)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const runcV3 = `
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = true
BinaryName = "/usr/sbin/runc"
`

func TestRuntimesOfEveryVersionAreFound(t *testing.T) {
	v2 := strings.ReplaceAll(runcV3, pluginV3, pluginV2)
	v1 := strings.ReplaceAll(runcV3, pluginV3, "cri")
	for name, files := range map[string]map[string]string{
		"4":                 {"config.toml": "version = 4\n" + runcV3},
		"3":                 {"config.toml": "version = 3\n" + runcV3},
		"2":                 {"config.toml": "version = 2\n" + v2},
		"none":              {"config.toml": v1},
		"imported":          {"config.toml": "version = 3\nimports = ['d/*.toml']\n", "d/a.toml": "version = 3\n" + runcV3},
		"imported, other":   {"config.toml": "version = 4\nimports = ['d/*.toml']\n", "d/a.toml": "version = 2\n" + v2},
		"imported, over it": {"config.toml": "version = 3\nimports = ['a.toml']\n" + strings.Replace(runcV3, "/usr/sbin/runc", "x", 1), "a.toml": "version = 3\n" + runcV3},
	} {
		c := read(t, files)
		_, r := c.Runc()
		if r.Type != RuncType || r.BinaryName() != "/usr/sbin/runc" || r.Options["SystemdCgroup"] != true {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}

func TestThereNeedBeNoFile(t *testing.T) {
	c, err := Read(t.Context(), "/no/such/config.toml", EachFirst)
	if name, r := c.Runc(); err != nil || c.Exists || c.DefaultRuntime != "runc" || name != "" || r.Type != RuncType {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestAnInvalidFileIsNamed(t *testing.T) {
	for _, text := range []string{
		"version = [", "version = 3\nimports = ['none.toml']\n",
		"version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd]\nruntimes = 5\n",
		"version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.x]\npod_annotations = 'a'\n",
	} {
		path := filepath.Join(write(t, map[string]string{"config.toml": text}), "config.toml")
		if _, err := Read(t.Context(), path, EachFirst); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestADisabledCRIPluginIsSeen(t *testing.T) {
	for plugin, want := range map[string]bool{
		"cri": true, "io.containerd.grpc.v1.cri": true, "io.containerd.cri.v1.runtime": true, "io.containerd.nri.v1.nri": false,
	} {
		if got := read(t, map[string]string{"config.toml": "disabled_plugins = ['" + plugin + "']\n"}).CRIDisabled; got != want {
			t.Errorf("%s: got %v", plugin, got)
		}
	}
}

func TestOnlyARuncIsTakenForRunc(t *testing.T) {
	const other = `version = 3
[plugins.'io.containerd.cri.v1.runtime'.containerd]
default_runtime_name = "NAME"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.NAME]
runtime_type = "TYPE"
runtime_path = "PATH"
options = {BinaryName = "/usr/bin/crun"}
`
	for _, tt := range []struct{ name, kind, path, want string }{
		{"crun", RuncType, "", "/usr/bin/crun"},
		{"kata", "io.containerd.kata.v2", "", ""},
		{"runc", RuncType, "/opt/other-shim", "/usr/bin/crun"},
		{"crun", RuncType, "/opt/other-shim", "/usr/bin/crun"},
	} {
		text := strings.NewReplacer("NAME", tt.name, "TYPE", tt.kind, "PATH", tt.path).Replace(other)
		name, r := read(t, map[string]string{"config.toml": text}).Runc()
		if r.BinaryName() != tt.want || (name != "") != (tt.want != "") {
			t.Errorf("%+v: got %q, %+v", tt, name, r)
		}
	}
}

// containerd's default configuration has a runtime runc; what files say of it is
// merged into that.
func TestATableWithoutATypeIsRuncsOnlyByTheNameOfRunc(t *testing.T) {
	const text = "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd]\ndefault_runtime_name = 'NAME'\n" +
		"[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.NAME]\nTYPE\noptions = {SystemdCgroup = true}\n"
	for _, tt := range []struct {
		name, kind string
		want       bool
	}{{"runc", "", true}, {"runc", "runtime_type = ''", false}, {"crun", "", false}} {
		file := strings.NewReplacer("NAME", tt.name, "TYPE", tt.kind).Replace(text)
		if _, r := read(t, map[string]string{"config.toml": file}).Runc(); r.SystemdCgroup() != tt.want || r.Type != RuncType {
			t.Errorf("%+v: got %+v", tt, r)
		}
	}
}

// The old name of the plugin counts in files of a version before 4, and there only
// where the new one has no runtimes.
func TestTheOldNameOfThePluginCountsAsForContainerd(t *testing.T) {
	old, crun := strings.ReplaceAll(runcV3, pluginV3, pluginV2), strings.ReplaceAll(runcV3, "runtimes.runc", "runtimes.crun")
	for name, tt := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"3":                  {map[string]string{"config.toml": "version = 3\n" + old}, []string{"runc"}},
		"4":                  {map[string]string{"config.toml": "version = 4\n" + old}, nil},
		"both":               {map[string]string{"config.toml": "version = 3\n" + old + crun}, []string{"crun"}},
		"both, in two files": {map[string]string{"config.toml": "version = 3\nimports = ['a.toml']\n" + old, "a.toml": "version = 4\n" + crun}, []string{"crun", "runc"}},
		"none":               {map[string]string{"config.toml": strings.ReplaceAll(runcV3, pluginV3, "cri")}, []string{"runc"}},
	} {
		c := read(t, tt.files)
		if got := slices.Sorted(maps.Keys(c.Runtimes)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
		for _, runtime := range []string{"runc", "crun"} {
			if got := len(c.Definers(runtime)) > 0; got != slices.Contains(tt.want, runtime) {
				t.Errorf("%s: that a file defines %s: got %v", name, runtime, got)
			}
		}
	}
}

func TestTheFilesThatDefineARuntimeAreNamedInTheirOrder(t *testing.T) {
	dir := write(t, map[string]string{
		"config.toml":   "version = 3\nimports = ['conf.d/*.toml', 'more.toml', 'conf.d/b.toml']\n",
		"conf.d/b.toml": "version = 2\n" + strings.ReplaceAll(runcV3, pluginV3, pluginV2), "conf.d/a.toml": "version = 3\nimports = ['../config.toml', 'deep.toml']\n" + runcV3,
		"conf.d/deep.toml": "version = 4\n" + runcV3, "more.toml": "version = 4\n" + runcV3, "conf.d/c.toml": "version = 3\n",
	})
	// deep.toml is covered by conf.d/*.toml and read with it, once.
	var want []string
	for _, name := range []string{"conf.d/a.toml", "conf.d/b.toml", "conf.d/deep.toml", "more.toml"} {
		want = append(want, filepath.Join(dir, name))
	}
	c, err := Read(t.Context(), filepath.Join(dir, "config.toml"), EachFirst)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Definers("runc"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestADropInGoesWhereItIsRead(t *testing.T) {
	for imports, want := range map[string]string{
		"'conf.d/*.toml'":            "conf.d/bookend.toml",
		"'/etc/x/*.toml','conf.d/*'": "conf.d/bookend.toml",
		"'v3.d/*.toml'":              "v3.d/bookend.toml",
		"'v3.d/*-node.toml'":         "",
		"'other.toml'":               "",
		"":                           "",
	} {
		dir := write(t, map[string]string{"config.toml": "version = 3\nimports = [" + imports + "]\n", "other.toml": ""})
		c, err := Read(t.Context(), filepath.Join(dir, "config.toml"), EachFirst)
		if err != nil {
			t.Fatal(err)
		}
		file, ok := c.DropIn()
		if ok != (want != "") || ok && file != filepath.Join(dir, want) || !ok && file != filepath.Join(dir, "conf.d/bookend.toml") {
			t.Errorf("%s: got %s, %v", imports, file, ok)
		}
	}
}

// A table that is read again says what it was made from.
func TestATableIsReadAsItWasMeant(t *testing.T) {
	r := Runtime{Options: map[string]any{"SystemdCgroup": true, "BinaryName": "", "Root": `/a "b" c\d`, "CriuPath": "it's"},
		Other: map[string]any{"snapshotter": "", "base_runtime_spec": "/x", "cni_max_conf_num": int64(0), "x": map[string]any{"y z": int64(1)}}}.Bookend("/bin/shim")
	for version := 2; version <= MaxVersion; version++ {
		for _, name := range []string{"bookend", "a b.c"} {
			text, err := Table(version, name, r)
			if err != nil {
				t.Fatal(err)
			}
			c := read(t, map[string]string{"config.toml": "version = " + string(rune('0'+version)) + "\n" + string(text)})
			want := r
			want.Options = map[string]any{"SystemdCgroup": true, "Root": `/a "b" c\d`, "CriuPath": "it's"}
			want.Other = map[string]any{"base_runtime_spec": "/x", "x": map[string]any{"y z": int64(1)}}
			if got := c.Runtimes[name]; !reflect.DeepEqual(got, want) {
				t.Errorf("version %d, %s:\ngot  %+v\nwant %+v\nfrom\n%s", version, name, got, want, text)
			}
			var doc map[string]any
			if err := toml.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			if _, old := doc["plugins"].(map[string]any)[pluginV2]; old != (version == 2) {
				t.Errorf("version %d: wrong plugin in\n%s", version, text)
			}
		}
	}
}

func TestGapsAreWhatNoPatternCovers(t *testing.T) {
	full := Runtime{}.Bookend("/bin/shim")
	if gaps := full.Gaps(); gaps != nil {
		t.Errorf("of a full list: %v", gaps)
	}
	if gaps := (Runtime{PodAnnotations: []string{"*/*"}, ContainerAnnotations: []string{"*/*", "io.*"}}).Gaps(); gaps != nil {
		t.Errorf("of wider patterns: %v", gaps)
	}
	var got []string
	for _, g := range (Runtime{PodAnnotations: []string{"*", "bookend.dev/*"}, ContainerAnnotations: []string{"x/*"}}).Gaps() {
		if g.Fatal {
			g.Pattern += " (fatal)"
		}
		got = append(got, g.List+" "+g.Pattern)
	}
	want := []string{
		"pod_annotations lifecycle.bookend.dev/* (fatal)", "container_annotations bookend.dev/*", "container_annotations lifecycle.bookend.dev/*",
		"container_annotations io.kubernetes.pod.terminationGracePeriod", "container_annotations io.kubernetes.container.ports",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
