package cli

import (
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
	} {
		t.Setenv(addressEnv, tt.env)
		if got, named := tt.to.socket(); got != tt.want || named != tt.named {
			t.Errorf("%+v: got %q, %v", tt, got, named)
		}
	}
}

func TestTheMainFileIsTheNamedOneElseTheDaemons(t *testing.T) {
	for _, tt := range []struct{ named, daemons, want string }{
		{"", "/k3s.toml", "/k3s.toml"},
		{"/mine.toml", "/k3s.toml", "/mine.toml"},
		{"", "", daemon.MainConfig},
		{"", "relative.toml", daemon.MainConfig},
	} {
		to := target{config: tt.named}
		d := &daemon.Daemon{}
		if tt.daemons != "" {
			d.Args = []string{"containerd", "--config", tt.daemons}
		}
		if err := to.configOf(d); err != nil || to.config != tt.want {
			t.Errorf("%+v: got %s, %v", tt, to.config, err)
		}
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
