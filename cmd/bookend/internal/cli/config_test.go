package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

func TestConfigDefaultIsTheDefault(t *testing.T) {
	code, out, errs := run(t, "", "config", "default")
	if code != ExitOK || errs != "" {
		t.Fatalf("exit code %d, stderr %q", code, errs)
	}
	got, err := hooks.ParseConfig([]byte(out), "config default")
	if err != nil || !reflect.DeepEqual(got, hooks.DefaultConfig()) {
		t.Errorf("it means %+v, %v\nwant %+v", got, err, hooks.DefaultConfig())
	}
}

// Every key that a section may have is in it, one that has no default as a
// comment that can be taken out of it.
func TestConfigDefaultHasEveryKey(t *testing.T) {
	_, out, _ := run(t, "", "config", "default")
	expected := regexp.MustCompile(`expected (?:one of )?(.*) \(line`)
	keys := func(config string) []string {
		_, err := hooks.ParseConfig([]byte(config), "test")
		if err == nil {
			t.Fatalf("%q was accepted", config)
		}
		return strings.Split(expected.FindStringSubmatch(err.Error())[1], ", ")
	}
	for _, section := range keys("nonsense = 1") {
		_, text, ok := strings.Cut(out, "\n["+section+"]\n")
		if !ok {
			t.Errorf("there is no [%s]", section)
		}
		text, _, _ = strings.Cut(text, "\n[")
		for _, key := range keys(section + ".nonsense = 1") {
			if !strings.Contains(text, "\n"+key+" = ") && !strings.Contains(text, "\n# "+key+" = ") {
				t.Errorf("[%s] has no %s", section, key)
			}
		}
	}
	if _, err := hooks.ParseConfig([]byte(regexp.MustCompile(`(?m)^# (\w+ = )`).ReplaceAllString(out, "$1")), "test"); err != nil {
		t.Errorf("with all that is commented out: %v", err)
	}
}

func TestConfigCheck(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.toml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden, err := os.ReadFile(strings.TrimSuffix(file, ".toml") + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			want := ExitFound
			if strings.HasSuffix(string(golden), ": ok\n") {
				want = ExitOK
			}
			code, out, errs := run(t, string(text), "config", "check", "-")
			if code != want || out != string(golden) || errs != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d and %q", code, out, errs, want, golden)
			}
			code, out, _ = run(t, "", "config", "check", file)
			if named := file + strings.TrimPrefix(string(golden), "-"); code != want || out != named {
				t.Errorf("by name: exit code %d, stdout %q; want %d and %q", code, out, want, named)
			}
		})
	}
}

func TestConfigCheckForPrograms(t *testing.T) {
	code, out, _ := run(t, "\n[policy]\nallowUser = 1\n", "config", "check", "-", "-o", "json")
	want := `{
  "file": "-",
  "valid": false,
  "exists": true,
  "line": 3,
  "message": "policy.allowUser: must be a boolean, got an integer"
}
`
	if code != ExitFound || out != want {
		t.Errorf("exit code %d, %s", code, out)
	}
}

func TestConfigCheckFindsTheFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(hooks.ConfigEnv, filepath.Join(dir, "node.toml"))
	if code, out, errs := run(t, "", "config", "check"); code != ExitFailed || out != "" || !strings.Contains(errs, "node.toml: no such file or directory") {
		t.Errorf("a file that is named and not there: exit code %d, %q, %q", code, out, errs)
	}
	if err := os.WriteFile(filepath.Join(dir, "node.toml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := run(t, "", "config", "check"); code != ExitOK || out != filepath.Join(dir, "node.toml")+": ok\n" {
		t.Errorf("exit code %d, %q", code, out)
	}
	if code, _, errs := run(t, "", "config", "check", dir); code != ExitFailed || !strings.Contains(errs, "is a directory") {
		t.Errorf("a directory: exit code %d, %q", code, errs)
	}
	t.Setenv(hooks.ConfigEnv, "")
	if _, err := os.Stat(hooks.ConfigPath); err == nil {
		t.Skipf("%s is there: the rest is about a machine without", hooks.ConfigPath)
	}
	if code, out, _ := run(t, "", "config", "check"); code != ExitOK || out != hooks.ConfigPath+": does not exist: the defaults hold\n" {
		t.Errorf("exit code %d, %q", code, out)
	}
	if code, _, errs := run(t, "", "config", "check", "a", "b"); code != ExitUsage || !strings.Contains(errs, "accepts at most 1 arg(s)") {
		t.Errorf("two files: exit code %d, %q", code, errs)
	}
}
