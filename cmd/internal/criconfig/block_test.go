package criconfig

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/cmd/internal/program"
)

const block = "\n# ours\n[plugins.a.runtimes.bookend]\nx = 1\n"

func TestABlockIsAddedAndTakenAway(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":          "",
		"a line":           "version = 2\n",
		"no newline":       "version = 2",
		"tables":           "[plugins.a]\ny = 1\n[plugins.a.runtimes.runc]\n[b]\n",
		"a template":       "{{ template \"base\" . }}\n[debug]\n",
		"one, no newline":  "{{ template \"base\" . }}",
		"another's trim":   "{{- if true -}}\nx = 1\n{{ end }}\n",
		"variables of sed": "[a]\nb = \"${SNAP_DATA}\"\n",
	} {
		got, e, err := AddBlock([]byte(text), []byte(block))
		if err != nil || !strings.HasPrefix(string(got), text) || !strings.HasSuffix(string(got), block) {
			t.Errorf("%s: got %q, %v", name, got, err)
			continue
		}
		if back, ok := e.Undo(got); !ok || string(back) != text {
			t.Errorf("%s: undone: %q, %v", name, back, ok)
		}
		end := ""
		if text != "" && !strings.HasSuffix(text, "\n") {
			end = "\n" // or what others wrote would be on its last line
		}
		changed := "# first\n" + string(got) + "# last\n"
		if back, ok := e.Undo([]byte(changed)); !ok || string(back) != "# first\n"+text+end+"# last\n" {
			t.Errorf("%s: undone in a changed file: %q, %v", name, back, ok)
		}
	}
}

// A setting without a head is of the table above it, and would be of another one
// without the block.
func TestWhatFollowsABlockIsSeen(t *testing.T) {
	for more, want := range map[string]bool{
		"":                       false,
		"# a comment\n":          false,
		"[debug]\nlevel = 'x'\n": false,
		"[plugins.a.runtimes.bookend.options]\ny = 2\n": false,
		"y = 2\n":           true,
		"z = 2\n":           true,
		"y = 2\n[debug]\n":  true,
		"what is no TOML\n": false,
	} {
		text, e, err := AddBlock([]byte("[plugins.a]\nz = 1"), []byte(block))
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, more...)
		without, ok := e.Undo(text)
		if got := e.Follows(text, without); !ok || got != want {
			t.Errorf("%q: got %v, undone %v: %q", more, got, ok, without)
		}
	}
}

func TestABlockIsNotAddedWhereThatIsNotSafe(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"invalid":            {"version = [", nil},
		"an inline table":    {"[plugins]\na = {runtimes = {runc = {}}}\n", nil},
		"the same runtime":   {"[plugins.a.runtimes.bookend]\nx = 1\n", nil},
		"another value":      {"plugins.a.runtimes = 1\n", nil},
		"in a table's array": {"[[plugins]]\n", nil},
		"a trimmed end":      {"{{ template \"base\" . }}\n{{- /* x */ -}}\n", errTrims},
	} {
		got, _, err := AddBlock([]byte(tt.text), []byte(block))
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestAFileSaysSomethingOfARuntime(t *testing.T) {
	for text, want := range map[string]bool{
		"[plugins.'x'.containerd.runtimes.bookend]\n":           true,
		"  [plugins.x.containerd.runtimes.'bookend']\n":         true,
		"[plugins.x.containerd.runtimes.\"bookend\".options]\n": true,
		"{{ template \"base\" . }}\n[a.runtimes.bookend]\n":     true,
		"# [a.runtimes.bookend]\n[a.runtimes.bookender]\n":      false,
		"[a.runtimes.my-bookend]\n[bookend.runtimes.x]\n":       false,
		"x = '[a.runtimes.bookend]'\n[a.runtimes] # .bookend\n": false,
	} {
		if got := textSays([]byte(text), "bookend"); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
	if says, err := Says(filepath.Join(t.TempDir(), "none"), "bookend"); says || err != nil {
		t.Errorf("no file: %v, %v", says, err)
	}
}

func TestFilesThatReplaceTheRuntimesOfTheMainFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"config.toml": "version = 2\nimports = ['cri.toml', 'debug.toml']\n[plugins.'io.containerd.grpc.v1.cri']\n",
		"cri.toml":    "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]\nruntime_type = 'x'\n",
		"debug.toml":  "version = 2\n[debug]\nlevel = 'debug'\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := Read(t.Context(), filepath.Join(dir, "config.toml"), EachFirst)
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Replacers(); len(got) != 1 || filepath.Base(got[0]) != "cri.toml" {
		t.Errorf("got %v", got)
	}
}

// Before 2.3 the file that is merged last tells what the names in all of them mean.
func TestFilesOfSeveralVersions(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"config.toml": "version = 2\nimports = ['new.toml']\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]\nRoot = '/x'\n",
		"new.toml":    "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]\nSystemdCgroup = true\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for version, want := range map[string]map[string]any{
		"2.2.9": {"SystemdCgroup": true}, "2.3.0": {"SystemdCgroup": true, "Root": "/x"}, "": {"SystemdCgroup": true, "Root": "/x"},
	} {
		v, _ := program.ParseVersion(version)
		cfg, err := Read(t.Context(), filepath.Join(dir, "config.toml"), MergingOf(v))
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.Runtimes["runc"].Options; !maps.Equal(got, want) || cfg.DropInVersion() != 3 {
			t.Errorf("%q: got %v, and version %d for a drop-in", version, got, cfg.DropInVersion())
		}
	}
}
