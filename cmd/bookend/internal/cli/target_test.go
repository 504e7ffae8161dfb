package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/cmd/internal/daemon"
)

func TestInstallNeedsADaemonThatIsNamedToAnswer(t *testing.T) {
	s := newSite(t, importing)
	t.Setenv(addressEnv, "")
	install := func(code int, more ...string) string {
		return s.run(code, append([]string{"install", "--dry-run", "--from", "DIR/new", "--bin-dir", "DIR/bin", "--containerd", "DIR/containerd"}, more...)...)
	}
	const want = "bookend: which file the containerd at DIR/none.sock reads cannot be asked: dial unix DIR/none.sock: connect: no such file or directory: start it, or name the file (--containerd-config)\n"
	if got := install(ExitFailed, "--address", "unix://DIR/none.sock"); got != want {
		t.Errorf("got %s", got)
	}
	t.Setenv(addressEnv, filepath.Join(s.dir, "none.sock"))
	if got := install(ExitFailed); got != want {
		t.Errorf("with %s: got %s", addressEnv, got)
	}
	if got := install(ExitOK, "--containerd-config", "DIR/etc/config.toml"); !strings.Contains(got, "+++ DIR/etc/conf.d/bookend.toml") {
		t.Errorf("with its file: got %s", got)
	}
}

func TestAFileWithoutASocketIsNotTheUsualDaemons(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		to    target
		env   string
		want  string
		named bool
	}{
		{target{}, "", daemon.Socket, false},
		{target{config: "/x.toml"}, "", "", false},
		{target{config: "/x.toml", address: "/a.sock"}, "", "/a.sock", true},
		{target{config: "/x.toml"}, "/e.sock", "/e.sock", true},
		{target{address: "unix:///a.sock"}, "/e.sock", "/a.sock", true},
		{target{name: "k0s"}, "", "/run/k0s/containerd.sock", false},
		{target{address: "unix://a.sock"}, "", filepath.Join(here, "a.sock"), true},
	} {
		t.Setenv(addressEnv, tt.env)
		tt.to.root = t.TempDir()
		if err := tt.to.choose(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := tt.to.socket(); got != tt.want || tt.to.named() != tt.named {
			t.Errorf("%+v: got %q, %v", tt, got, tt.to.named())
		}
	}
}

func TestTheMainFileIsTheNamedOneElseTheDaemons(t *testing.T) {
	for _, tt := range []struct{ named, daemons, distribution, want string }{
		{"", "/k3s.toml", "", "/k3s.toml"},
		{"/mine.toml", "/k3s.toml", "", "/mine.toml"},
		{"", "", "", daemon.MainConfig},
		{"", "relative.toml", "", daemon.MainConfig},
		{"", "", "k0s", "/etc/k0s/containerd.toml"},
	} {
		t.Setenv(addressEnv, "")
		to := target{config: tt.named, name: tt.distribution, root: t.TempDir()}
		d := &daemon.Daemon{}
		if tt.daemons != "" {
			d.Args = []string{"containerd", "--config", tt.daemons}
		}
		if err := to.choose(t.Context()); err != nil {
			t.Fatal(err)
		}
		if to.ofDaemon(t.Context(), d); to.config != tt.want {
			t.Errorf("%+v: got %s", tt, to.config)
		}
	}
}

// The node that is found is named, and none is chosen where there are several.
func TestNothingIsChosenInSilence(t *testing.T) {
	t.Setenv(addressEnv, "")
	const k3s, docker = "var/lib/rancher/k3s/agent/etc/containerd/", "run/docker/containerd/containerd.toml"
	for name, tt := range map[string]struct {
		files   []string
		to      target
		want    string // of the sentence
		several string // names in the error
	}{
		"nothing":                  {want: "Distribution: containerd, as no file tells of another."},
		"one":                      {files: []string{k3s}, want: "Distribution: k3s, found by /var/lib/rancher/k3s/agent/etc/containerd. Main file: /var/lib/rancher/k3s/agent/etc/containerd/config.toml."},
		"several":                  {files: []string{k3s, docker}, several: "k3s (/var/lib/rancher/k3s/agent/etc/containerd, socket /run/k3s/containerd/containerd.sock), docker (/run/docker/containerd/containerd.toml, socket /run/docker/containerd/containerd.sock)"},
		"several, none is changed": {files: []string{k3s, docker}, to: target{any: true}},
		"one of several, named":    {files: []string{k3s, docker}, to: target{name: "docker"}},
		"a socket":                 {files: []string{k3s, docker}, to: target{address: "/a.sock"}},
		"a file":                   {files: []string{k3s, docker}, to: target{config: "/x.toml"}},
		"the file of one":          {to: target{config: "/etc/k0s/containerd.toml", root: "/"}, want: "Distribution: k0s, found by its main file."},
	} {
		t.Run(name, func(t *testing.T) {
			s := &site{t, t.TempDir()}
			for _, file := range tt.files {
				s.write(strings.TrimSuffix(file, "/")+map[bool]string{true: "/x"}[strings.HasSuffix(file, "/")], "", 0o644)
			}
			if tt.to.root == "" {
				tt.to.root = s.dir
			}
			err := tt.to.choose(t.Context())
			if tt.several != "" {
				if !errors.Is(err, errSeveral) || !strings.Contains(err.Error(), tt.several) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tt.to.ofDaemon(t.Context(), nil)
			if got := tt.to.say(); !strings.HasPrefix(got, tt.want) || (tt.want == "") != (got == "") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestARuntimeIsNamedAsKubernetesNamesHandlers(t *testing.T) {
	s := newSite(t, importing)
	for name, code := range map[string]int{"hooks-2": ExitOK, "": ExitUsage, "Bad": ExitUsage, "a_b": ExitUsage, "-a": ExitUsage, strings.Repeat("a", 64): ExitUsage} {
		out := s.install(code, "--dry-run", "--runtime-name", name)
		if code == ExitUsage && !strings.Contains(out, "--runtime-name ") {
			t.Errorf("%q: got %s", name, out)
		}
	}
}
