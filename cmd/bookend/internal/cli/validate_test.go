package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/cmd/internal/manifest"
)

const (
	podGood = `apiVersion: v1
kind: Pod
metadata:
  annotations:
    lifecycle.bookend.dev/web: |
      preStop: {sleep: {seconds: 5}}
spec: {runtimeClassName: bookend, containers: [{name: web}]}
`
	podWarned = `apiVersion: v1
kind: Pod
metadata:
  annotations:
    lifecycle.bookend.dev/wbe: |
      preStop: {sleep: {seconds: 5}}
spec: {runtimeClassName: bookend, containers: [{name: web}]}
`
	podWrong = `apiVersion: v1
kind: Pod
metadata:
  annotations:
    lifecycle.bookend.dev/web: |
      preStop: {exec: {command: [a], user: root}}
spec: {runtimeClassName: bookend, containers: [{name: web}]}
`
)

// write makes a file and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestValidateExitCodes(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	wrong, policy := write(t, "wrong.yaml", podWrong), write(t, "config.toml", "[policy]\nallowUser = true\n")
	says := wrong + ":6: metadata.annotations[lifecycle.bookend.dev/web].preStop.exec.user: is not allowed on this node (policy.allowUser)\n"
	for _, tt := range []struct {
		name, in, args string
		code           int
		out, errs      string
	}{
		{"nothing to complain of", podGood, "-f -", ExitOK, "1 object checked: 0 errors, 0 warnings\n", ""},
		{"no objects", "kind: Service\n", "-f -", ExitOK, "0 objects checked: 0 errors, 0 warnings\n", ""},
		{"a warning", podWarned, "-f -", ExitOK, "<stdin>:5: warning: metadata.annotations[lifecycle.bookend.dev/wbe]: the pod has no container \"wbe\", only web\n1 object checked: 0 errors, 1 warning\n", ""},
		{"a warning that counts", podWarned, "-f - --strict", ExitFound, "<stdin>:5: warning: metadata.annotations[lifecycle.bookend.dev/wbe]: the pod has no container \"wbe\", only web\n1 object checked: 0 errors, 1 warning\n", ""},
		{"an error", "", "-f " + wrong, ExitFound, says + "1 object checked: 1 error, 0 warnings\n", ""},
		{"the node's policy", "", "-f " + wrong + " --config " + policy, ExitOK, "1 object checked: 0 errors, 0 warnings\n", ""},
		{"several files, one missing", podGood, "-f " + missing + " -f - -f " + wrong, ExitFailed, says + "2 objects checked: 1 error, 0 warnings\n", "bookend: open " + missing + ": no such file or directory\n"},
		{"a broken configuration", podGood, "-f - --config " + write(t, "broken.toml", "[polcy]\n"), ExitFailed, "", "polcy: unknown field"},
		{"no file", "", "", ExitUsage, "", "bookend: no file given, use -f FILE, -f DIRECTORY, or -f - for the standard input\n"},
		{"what a shell makes of -f *.yaml", podGood, "-f " + wrong + " - " + wrong, ExitFound, says + says + "3 objects checked: 2 errors, 0 warnings\n", ""},
		{"an argument alone", podGood, "-", ExitOK, "1 object checked: 0 errors, 0 warnings\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := run(t, tt.in, append([]string{"validate"}, strings.Fields(tt.args)...)...)
			if code != tt.code || out != tt.out || !strings.Contains(errs, tt.errs) || tt.errs == "" && errs != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d, %q, %q", code, out, errs, tt.code, tt.out, tt.errs)
			}
		})
	}
}

// tree makes a directory with these files.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestValidateReadsDirectories: those below only with -R, in order, and no other
// files; a directory without manifests is a mistake.
func TestValidateReadsDirectories(t *testing.T) {
	dir := tree(t, map[string]string{
		"b.yaml": podWrong, "a.json": `{"kind": "Service"}`, "c.yml": podWarned, "notes.txt": podWrong, "yaml": podWrong,
		"sub/deep/d.yaml": podWrong, "empty/readme": "",
	})
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	const wrong, warned = "/b.yaml:6: metadata", "/c.yml:5: warning: metadata"
	for _, tt := range []struct {
		args      []string
		code      int
		out, errs []string
	}{
		{[]string{"-f", dir}, ExitFound, []string{dir + wrong, dir + warned, "2 objects checked"}, nil},
		{[]string{dir + "/"}, ExitFound, []string{dir + wrong, dir + warned, "2 objects checked"}, nil},
		{[]string{"-f", link}, ExitFound, []string{link + wrong, link + warned, "2 objects checked"}, nil},
		{[]string{"-R", "-f", dir}, ExitFound, []string{dir + wrong, dir + warned, dir + "/sub/deep/d.yaml:6: metadata", "3 objects checked"}, nil},
		{[]string{"-f", filepath.Join(dir, "notes.txt")}, ExitFound, []string{"/notes.txt:6: metadata", "1 object checked"}, nil},
		{[]string{"-f", filepath.Join(dir, "sub")}, ExitFailed, nil, []string{dir + "/sub: no *.yaml, *.yml or *.json in this directory; -R reads those below it too"}},
		{[]string{"-R", "-f", filepath.Join(dir, "empty")}, ExitFailed, nil, []string{dir + "/empty: no *.yaml, *.yml or *.json in this directory or below it\n"}},
	} {
		code, out, errs := run(t, "", append([]string{"validate"}, tt.args...)...)
		if lines := strings.Split(strings.TrimSpace(out), "\n"); code != tt.code || len(tt.out) > 0 && len(lines) != len(tt.out) || len(tt.out) == 0 && out != "" {
			t.Errorf("%q: exit code %d, stdout %q", tt.args, code, out)
		} else if len(tt.out) > 0 {
			for i, want := range tt.out {
				if !strings.Contains(lines[i], want) {
					t.Errorf("%q: line %d is %q, want %q", tt.args, i, lines[i], want)
				}
			}
		}
		if errs == "" != (len(tt.errs) == 0) || len(tt.errs) > 0 && !strings.Contains(errs, tt.errs[0]) {
			t.Errorf("%q: stderr %q, want %q", tt.args, errs, tt.errs)
		}
	}
}

func TestValidatePrintsFindingsForPrograms(t *testing.T) {
	_, out, _ := run(t, podWarned, "validate", "-f", "-", "-o", "json")
	var got []manifest.Finding
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := manifest.Finding{File: "<stdin>", Line: 5, Path: "metadata.annotations[lifecycle.bookend.dev/wbe]", Severity: manifest.Warning, Message: `the pod has no container "wbe", only web`}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, out, _ := run(t, podGood, "validate", "-f", "-", "-o", "json"); out != "[]\n" {
		t.Errorf("nothing found: %q, want an empty list", out)
	}
}
