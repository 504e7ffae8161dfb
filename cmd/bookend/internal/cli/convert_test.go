package cli

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	plainPod = `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: web
    lifecycle:
      preStop: # drain
        sleep: {seconds: 5}
    image: nginx
`
	convertedPod = `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    lifecycle.bookend.dev/web: |
      preStop: # drain
        sleep: {seconds: 5}
spec:
  runtimeClassName: bookend
  containers:
  - name: web
    # lifecycle: see the annotation lifecycle.bookend.dev/web
    image: nginx
`
	tcpPod = `apiVersion: v1
kind: Pod
spec:
  containers:
  - name: web
    lifecycle:
      preStop:
        tcpSocket: {port: 80}
`
)

func TestConvertPrintsTheManifest(t *testing.T) {
	if code, out, errs := run(t, plainPod, "convert", "-f", "-"); code != ExitOK || out != convertedPod || errs != "" {
		t.Errorf("exit code %d, stderr %q, stdout:\n%s", code, errs, out)
	}
	if code, out, errs := run(t, convertedPod, "convert", "-f", "-", "--reverse"); code != ExitOK || out != plainPod || errs != "" {
		t.Errorf("reversed: exit code %d, stderr %q, stdout:\n%s", code, errs, out)
	}
	_, out, _ := run(t, plainPod, "convert", "-f", "-", "--runtime-class", "hooked")
	if !strings.Contains(out, "runtimeClassName: hooked\n") {
		t.Errorf("--runtime-class hooked:\n%s", out)
	}
	_, out, _ = run(t, convertedPod, "convert", "-f", "-", "--reverse", "--runtime-class", "hooked")
	if !strings.Contains(out, "runtimeClassName: bookend\n") {
		t.Errorf("reversed, another class:\n%s", out)
	}
}

func TestConvertExitCodes(t *testing.T) {
	file, policy := write(t, "pod.yaml", plainPod), write(t, "config.toml", "[policy]\nallowHosts = [\"*\"]\n")
	host := strings.Replace(plainPod, "sleep: {seconds: 5}", "httpGet: {port: 80, host: example.com}", 1)
	for _, tt := range []struct {
		name, in, args string
		code           int
		errs           string
	}{
		{"no equal", tcpPod, "-f -", ExitFound, "<stdin>:8: spec.containers[0].lifecycle.preStop.tcpSocket: is not supported"},
		{"a field that Kubernetes does not know", strings.Replace(convertedPod, "# drain", "\n        retries: 3", 1), "-f - --reverse", ExitFound, "<stdin>:8: metadata.annotations[lifecycle.bookend.dev/web].preStop.retries: is unknown to Kubernetes"},
		{"forbidden by policy", host, "-f -", ExitFound, "<stdin>:10: spec.containers[0].lifecycle.preStop.httpGet.host: "},
		{"allowed by policy", host, "-f - --config " + policy, ExitOK, ""},
		{"nothing to convert", "kind: Service\n", "-f -", ExitOK, "<stdin>: note: nothing was converted\n"},
		{"converted already", convertedPod, "-f -", ExitOK, "<stdin>: note: nothing was converted\n"},
		{"values of a chart", "replicas: 2\nlifecycle:\n  preStop: {sleep: {seconds: 1}}\n", "-f -", ExitOK, "<stdin>:1: warning: is no Kubernetes object (it has no kind): left as it is\n<stdin>:2: warning: lifecycle: is left alone: "},
		{"flow style", strings.Replace(plainPod, "metadata:\n  name: web", "metadata: {name: web}", 1), "-f -", ExitOK, "<stdin>:3: note: metadata: was reprinted in block style"},
		{"a sleep that does not fit", strings.Replace(plainPod, "seconds: 5", "seconds: 30", 1), "-f -", ExitOK, "<stdin>:8: warning: metadata.annotations[lifecycle.bookend.dev/web].preStop.sleep.seconds: 30s does not fit into the grace period of 30s"},
		{"another class", strings.Replace(plainPod, "spec:", "spec:\n  runtimeClassName: kata", 1), "-f -", ExitFound, "say --runtime-class kata\n"},
		{"a missing file", "", "-f " + file + ".not", ExitFailed, "no such file or directory"},
		{"no file", "", "", ExitUsage, "no file given"},
		{"two files", "", "-f " + file + " -f " + file, ExitUsage, "--in-place only"},
		{"two arguments", "", file + " " + file, ExitUsage, "--in-place only"},
		{"an argument alone", plainPod, "-", ExitOK, ""},
		{"standard input in place", plainPod, "-i -f -", ExitUsage, "standard input cannot"},
		{"no class", plainPod, "-f - --runtime-class=", ExitUsage, "must be the name of a RuntimeClass"},
		{"a class with capitals", plainPod, "-f - --runtime-class=Kata", ExitUsage, "must be the name of a RuntimeClass"},
		{"a class that is YAML", plainPod, "-f - --runtime-class=a:{", ExitUsage, "must be the name of a RuntimeClass"},
		{"a class with two dots", plainPod, "-f - --runtime-class=a..b", ExitUsage, "must be the name of a RuntimeClass"},
		{"a class that is too long", plainPod, "-f - --runtime-class=" + strings.Repeat("a", 254), ExitUsage, "must be the name of a RuntimeClass"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := run(t, tt.in, append([]string{"convert"}, strings.Fields(tt.args)...)...)
			if code != tt.code || !strings.Contains(errs, tt.errs) || tt.errs == "" && errs != "" || (out == "") != (code != ExitOK) {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d, %q", code, out, errs, tt.code, tt.errs)
			}
		})
	}
}

// TestConvertQuotesAClassThatYAMLWouldRead: 1.5 is a number, no a boolean to
// those who read YAML 1.1.
func TestConvertQuotesAClassThatYAMLWouldRead(t *testing.T) {
	for _, class := range []string{"123", "1.5", "no", "null", "1e3", "0x1f"} {
		code, out, errs := run(t, plainPod, "convert", "-f", "-", "--runtime-class", class)
		if code != ExitOK || errs != "" || !strings.Contains(out, "runtimeClassName: \""+class+"\"\n") {
			t.Errorf("%s: exit code %d, stderr %q, stdout\n%s", class, code, errs, out)
		}
		if code, back, errs := run(t, out, "convert", "-f", "-", "--runtime-class", class, "--reverse"); code != ExitOK || back != plainPod {
			t.Errorf("%s, reversed: exit code %d, stderr %q, stdout\n%s", class, code, errs, back)
		}
	}
}

func TestConvertInPlace(t *testing.T) {
	file := write(t, "pod.yaml", plainPod)
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	other := write(t, "tcp.yaml", tcpPod)
	if code, _, _ := run(t, "", "convert", "-i", "-f", link, "-f", other); code != ExitFound || content(t, file) != plainPod {
		t.Errorf("one of two refused: exit code %d, the other one is\n%s", code, content(t, file))
	}
	code, out, errs := run(t, "", "convert", "-i", "-f", link)
	if code != ExitOK || out != "" || errs != "" || content(t, file) != convertedPod {
		t.Errorf("exit code %d, stdout %q, stderr %q, file:\n%s", code, out, errs, content(t, file))
	}
	info, err := os.Lstat(file)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v, %v; want 0640", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
	untouched, err := os.Lstat(other)
	if err != nil {
		t.Fatal(err)
	}
	if code, _, _ := run(t, "", "convert", "-i", "--reverse", "-f", other); code != ExitOK {
		t.Errorf("nothing to do: exit code %d", code)
	}
	if after, err := os.Lstat(other); err != nil || !os.SameFile(untouched, after) {
		t.Errorf("a file without changes was replaced: %v", err)
	}
}

func TestConvertInPlaceKeepsTheOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	file := write(t, "pod.yaml", plainPod)
	if err := os.Chown(file, 12345, 23456); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, "", "convert", "-i", "-f", file); code != ExitOK || content(t, file) != convertedPod {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	info, err := os.Lstat(file)
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid != 12345 || st.Gid != 23456 || info.Mode() != 0o600 {
		t.Errorf("owner %d:%d, mode %v", st.Uid, st.Gid, info.Mode())
	}
}

func TestConvertInPlaceTakesFilesAsArguments(t *testing.T) {
	one, two := write(t, "one.yaml", plainPod), write(t, "two.yaml", plainPod)
	code, out, errs := run(t, "", "convert", "-i", "-f", one, two)
	if code != ExitOK || out != "" || errs != "" || content(t, one) != convertedPod || content(t, two) != convertedPod {
		t.Errorf("exit code %d, stdout %q, stderr %q, files:\n%s\n%s", code, out, errs, content(t, one), content(t, two))
	}
}

func TestConvertADirectoryInPlace(t *testing.T) {
	dir := tree(t, map[string]string{"a.yaml": plainPod, "b.json": `{"kind": "Service"}`, "notes.txt": plainPod, "sub/c.yml": plainPod})
	if code, out, errs := run(t, "", "convert", "-f", dir); code != ExitUsage || out != "" || !strings.Contains(errs, "--in-place only") {
		t.Errorf("not in place: exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	code, out, errs := run(t, "", "convert", "-i", "-f", dir)
	if want := filepath.Join(dir, "b.json") + ": note: nothing was converted\n"; code != ExitOK || out != "" || errs != want {
		t.Errorf("exit code %d, stdout %q, stderr %q, want %q", code, out, errs, want)
	}
	for name, want := range map[string]string{"a.yaml": convertedPod, "notes.txt": plainPod, "sub/c.yml": plainPod} {
		if got := content(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s is\n%s", name, got)
		}
	}
	if code, _, errs := run(t, "", "convert", "-i", "-R", "-f", dir); code != ExitOK || content(t, filepath.Join(dir, "sub/c.yml")) != convertedPod {
		t.Errorf("-R: exit code %d, stderr %q", code, errs)
	}
}

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
