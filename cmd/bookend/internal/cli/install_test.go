package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bookend.dev/bookend/cmd/bookend/internal/doctor"
	"bookend.dev/bookend/cmd/internal/command"
)

// site is a node in a directory: binaries to install, and containerd's files.
type site struct {
	t   *testing.T
	dir string
}

func newSite(t *testing.T, config string) *site {
	t.Helper()
	s := &site{t, t.TempDir()}
	for _, name := range []string{"bookend", "bookend-exec", "containerd-shim-bookend-v2"} {
		s.write("new/"+name, "#!/bin/sh\necho '{\"version\":\"1.0.0\"}'\n", 0o755)
	}
	s.write("containerd", "#!/bin/sh\necho containerd github.com/containerd/containerd v2.4.2 0\n", 0o755)
	s.write("etc/config.toml", config, 0o644)
	return s
}

func (s *site) write(name, content string, mode os.FileMode) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		s.t.Fatal(err)
	}
}

// install runs the command and returns all that it prints, with DIR for the
// directory.
func (s *site) install(wantCode int, more ...string) string {
	return s.run(wantCode, append([]string{
		"install", "--from", "DIR/new", "--bin-dir", "DIR/bin", "--containerd", "DIR/containerd", "--containerd-config", "DIR/etc/config.toml",
	}, more...)...)
}

func (s *site) run(wantCode int, args ...string) string {
	s.t.Helper()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", s.dir)
	}
	code, out, errs := run(s.t, "", args...)
	if code != wantCode {
		s.t.Errorf("bookend %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, wantCode, out, errs)
	}
	return strings.ReplaceAll(out+errs, s.dir, "DIR")
}

const (
	importing = "version = 3\nimports = ['conf.d/*.toml']\n"
	runcTable = `[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = true
`
)

func TestInstallSaysWhatItDoes(t *testing.T) {
	for name, tt := range map[string]struct {
		config string
		code   int
		flags  []string
	}{
		"dry-run":     {importing + runcTable, ExitOK, []string{"--dry-run"}},
		"drop-in":     {importing, ExitOK, nil},
		"edit-config": {"version = 2\n", ExitOK, []string{"--edit-config"}},
		"by-hand":     {"version = 3\nimports = [\n]\n", ExitFound, []string{"--edit-config"}},
		"no-import":   {"version = 3\n", ExitFound, nil},
		"configured":  {importing + strings.Replace(runcTable, "runtimes.runc]", "runtimes.bookend]", 1), ExitFailed, nil},
		"invalid":     {"version = [\n", ExitFailed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			wantGolden(t, "install-"+name, newSite(t, tt.config).install(tt.code, tt.flags...))
		})
	}
}

func TestOldContainerdsHaveNoDropIn(t *testing.T) {
	for name, containerd := range map[string]string{
		"1":       "echo containerd github.com/containerd/containerd v1.7.29 0",
		"too-old": "echo containerd github.com/containerd/containerd 1.6.20 0",
		"unknown": "exit 1",
	} {
		s := newSite(t, "version = 2\n")
		s.write("containerd", "#!/bin/sh\n"+containerd+"\n", 0o755)
		wantGolden(t, "install-old-by-hand-"+name, s.install(ExitFound))
		wantGolden(t, "install-old-"+name, s.install(ExitOK, "--edit-config"))
		if _, err := os.Stat(filepath.Join(s.dir, "etc/conf.d")); err == nil {
			t.Errorf("%s: there is a drop-in", name)
		}
		s.run(ExitOK, "uninstall", "--bin-dir", "DIR/bin")
		if got, err := os.ReadFile(filepath.Join(s.dir, "etc/config.toml")); err != nil || string(got) != "version = 2\n" {
			t.Errorf("%s: uninstalled: %q, %v", name, got, err)
		}
	}
}

func TestWhatIsToBePutElsewhereIsPrinted(t *testing.T) {
	s := newSite(t, importing+runcTable)
	for _, text := range []string{"nodeconfig", "drop-in"} {
		wantGolden(t, "install-print-"+text, s.install(ExitOK, "--print", text))
	}
	if _, err := os.Stat(filepath.Join(s.dir, "bin")); err == nil {
		t.Error("printing has installed something")
	}
	if got := s.run(ExitFailed, "install", "--print", "drop-in", "--from", "DIR/new", "--containerd", "DIR/containerd", "--containerd-config", "DIR/none.toml"); !strings.Contains(got, "DIR/none.toml: there is no such file to take the options of runc from") {
		t.Errorf("got %s", got)
	}
	s.install(ExitUsage, "--print", "other")
}

func TestInstallOnADistributionThatIsNamed(t *testing.T) {
	s := newSite(t, importing+runcTable)
	s.install(ExitUsage, "--distribution", "other")
	wantGolden(t, "install-eks", s.install(ExitFound, "--distribution", "eks"))
	wantGolden(t, "install-talos", s.install(ExitFailed, "--distribution", "talos"))
	wantGolden(t, "install-docker", s.install(ExitOK, "--distribution", "docker"))
	s.write("rancher/config.toml", strings.Replace(importing, "conf.d", "none.d", 1)+runcTable, 0o644)
	wantGolden(t, "install-k3s", s.run(ExitOK, "install", "--from", "DIR/new", "--bin-dir", "DIR/bin", "--containerd", "DIR/containerd",
		"--containerd-config", "DIR/rancher/config.toml", "--distribution", "k3s", "--address", "DIR/none.sock"))
}

// The containerd that was configured is the one that has to be restarted, on a
// host with several and where a service of another name runs it.
func TestUninstallNamesTheContainerdThatWasConfigured(t *testing.T) {
	s := newSite(t, importing)
	s.install(ExitOK, "--address", "DIR/none.sock")
	out := s.run(ExitOK, "uninstall", "--bin-dir", "DIR/bin")
	if want := "(restart the containerd of DIR/none.sock)"; !strings.Contains(out, want) {
		t.Errorf("got %s, want %q in it", out, want)
	}
}

func TestUninstallSaysWhatItDoes(t *testing.T) {
	s := newSite(t, "version = 3\n")
	uninstall := []string{"uninstall", "--bin-dir", "DIR/bin"}
	wantGolden(t, "uninstall-not-installed", s.run(ExitFailed, uninstall...))
	s.install(ExitOK, "--edit-config")
	dry, out := s.run(ExitOK, append(uninstall, "--dry-run")...), s.run(ExitOK, uninstall...)
	if done, _, _ := strings.Cut(out, "Restart"); !strings.HasPrefix(dry, done) {
		t.Errorf("the dry run says\n%s\nand what is done is\n%s", dry, out)
	}
	wantGolden(t, "uninstall", out)
}

func TestDoctorsTable(t *testing.T) {
	results := []doctor.Result{
		{Check: "containerd", Status: doctor.Pass, Found: "version 2.4.2, pid 7"},
		{Check: "annotations", Status: doctor.Fail, Found: "pod_annotations lacks x", Fix: "add x, then systemctl restart containerd"},
		{Check: "PATH", Status: doctor.Warning, Found: "not there", Fix: "link it"},
		{Check: "loaded", Status: doctor.Fail, Found: "older", Fix: "add x, then systemctl restart containerd"},
	}
	for name, as := range map[string]command.Format{"table": command.AsTable, "json": command.AsJSON} {
		var out bytes.Buffer
		if err := printResults(&out, as, results); err != nil {
			t.Fatal(err)
		}
		wantGolden(t, "doctor-"+name, out.String())
	}
	var out bytes.Buffer
	if err := printResults(&out, command.AsTable, results[:1]); err != nil || strings.Contains(out.String(), "fix") {
		t.Errorf("of a healthy node: %v, %s", err, out.String())
	}
}

func TestDoctorAsksTheContainerdThatIsNamed(t *testing.T) {
	for _, tt := range []struct{ flag, env, want string }{
		{"unix://DIR/flag.sock", "DIR/env.sock", "DIR/flag.sock"},
		{"DIR/flag.sock", "", "DIR/flag.sock"},
		{"", "unix://DIR/env.sock", "DIR/env.sock"},
		{"", "DIR/env.sock", "DIR/env.sock"},
	} {
		s := newSite(t, importing)
		t.Setenv(addressEnv, strings.ReplaceAll(tt.env, "DIR", s.dir))
		out := s.run(ExitFound, "doctor", "--address", tt.flag, "--containerd", "DIR/containerd", "--containerd-config", "DIR/etc/config.toml")
		if !strings.Contains(out, "dial unix "+tt.want+":") {
			t.Errorf("%+v: got\n%s", tt, out)
		}
	}
}

func TestDoctorFailsWithoutContainerd(t *testing.T) {
	s := newSite(t, importing)
	out := s.run(ExitFound, "doctor", "--address", "DIR/none.sock", "--containerd", "DIR/containerd", "--containerd-config", "DIR/etc/config.toml")
	want := regexp.MustCompile(`(?m)^containerd +fail +no daemon answers \(2\.4\.2 is installed\): dial unix DIR/none\.sock`)
	if !want.MatchString(out) || !strings.Contains(out, "  runtime, annotations, shim, bookend-exec, exec: bookend install --edit-config --containerd-config DIR/etc/config.toml, then restart the containerd of DIR/none.sock\n") {
		t.Errorf("got\n%s", out)
	}
}

func TestDoctorsAdviceNamesTheInstallation(t *testing.T) {
	s := newSite(t, importing)
	out := s.run(ExitFound, "doctor", "--address", "DIR/none.sock", "--containerd", "DIR/containerd", "--containerd-config", "DIR/etc/config.toml",
		"--bin-dir", "DIR/bin", "--lib-dir", "DIR/other", "--runtime-name", "hooked")
	const want = "bookend install --edit-config --bin-dir DIR/bin --lib-dir DIR/other --containerd-config DIR/etc/config.toml --runtime-name hooked, then restart the containerd of DIR/none.sock\n"
	if !strings.Contains(out, want) {
		t.Errorf("got\n%s", out)
	}
}
