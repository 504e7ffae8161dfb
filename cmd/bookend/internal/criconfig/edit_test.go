package criconfig

import (
	"strings"
	"testing"
)

func TestAddingAnImportKeepsEverythingElse(t *testing.T) {
	const line = " # changed by bookend install\n"
	for name, tt := range map[string]struct{ text, want string }{
		"none":        {"# head\nversion = 3\n[plugins]\n", "imports = [\"/c/*.toml\"]" + line + "# head\nversion = 3\n[plugins]\n"},
		"empty file":  {"", "imports = [\"/c/*.toml\"]" + line},
		"no newline":  {"version = 3", "imports = [\"/c/*.toml\"]" + line + "version = 3"},
		"empty list":  {"version = 2\n  imports=[ ] # x\n[a]\n", "version = 2\nimports = [\"/c/*.toml\"]" + line + "[a]\n"},
		"one":         {"imports = ['a.toml']\r\nversion = 3\r\n", "imports = [\"a.toml\", \"/c/*.toml\"]" + line + "version = 3\r\n"},
		"in a string": {"x = '''\nimports = []\n'''\n", "imports = [\"/c/*.toml\"]" + line + "x = '''\nimports = []\n'''\n"},
	} {
		got, e, err := AddImport([]byte(tt.text), "/c/*.toml")
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, tt.want)
			continue
		}
		if back, ok := e.Undo(got); !ok || string(back) != tt.text {
			t.Errorf("%s: undone: %q, %v", name, back, ok)
		}
		added := append(append([]byte{}, got...), "\n# more\n"...)
		if back, ok := e.Undo(added); !ok || string(back) != tt.text+"\n# more\n" {
			t.Errorf("%s: undone in a changed file: %q, %v", name, back, ok)
		}
	}
}

func TestAnImportIsNotAddedWhereThatIsNotSafe(t *testing.T) {
	for name, text := range map[string]string{
		"invalid":                 "version = [",
		"on several lines":        "imports = [\n 'a.toml',\n]\n",
		"another one comes first": "x = '''\nimports = []\n'''\nimports = [\n]\n",
		"in a table":              "imports = [\n'a']\n[a]\nimports = ['b']\n",
		"quoted":                  "\"imports\" = ['a']\n",
	} {
		if got, _, err := AddImport([]byte(text), "/c/*.toml"); err == nil {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestAnEditThatIsGoneIsNotUndone(t *testing.T) {
	text, e, err := AddImport([]byte("version = 3\n"), "/c/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, changed := range []string{"", strings.Replace(string(text), "/c/", "/d/", 1), "# " + string(text)} {
		if got, ok := e.Undo([]byte(changed)); ok {
			t.Errorf("%q: got %q", changed, got)
		}
	}
}

func TestAnEditThatChangesMoreIsFound(t *testing.T) {
	for after, ok := range map[string]bool{
		"imports = ['x']\na = 1\n": true, "a = 1": false, "imports = ['x', 'y']\na = 1\n": false,
		"imports = ['x']\na = 2\n": false, "imports = ['x']\n": false, "imports = 'x'\na = 1\n": false,
	} {
		if err := sameBut([]byte("a = 1\n"), []byte(after), []string{"x"}); (err == nil) != ok {
			t.Errorf("%q: got %v", after, err)
		}
	}
}
